// What a worker does for batches besides their jobs: opens the next night's window, ends what was cancelled, reports what
// came to rest. Every worker does it; what must happen once is claimed in the catalog.
import type { App } from "../app/app.ts";
import { cancelItems } from "../batches/run/cancel.ts";
import { reportBatch } from "../batches/run/report.ts";
import { getHoldReason, reportKeyFor } from "../batches/run/report-trigger.ts";
import { occurrenceAt, parseWindow } from "../batches/run/window.ts";
import type { Batch } from "../domain/batch.ts";
import { levelOf, toMessage } from "../domain/errors.ts";
import { createBatchWebhookDelivery } from "../webhooks/batch-webhook.ts";

/** What a worker does for all open batches. */
export interface BatchCare {
  /** Looks after them once; returns whether one of them may go on that was held the last time. */
  run(): Promise<boolean>;
  /** Waits for the webhooks that are on their way, for some seconds, then stops them: the next worker sends them again. */
  stop(): Promise<void>;
}

/** How long a webhook that is on its way may take when the worker stops, in ms. */
const LAST_WEBHOOKS_MS = 3_000;

/** Nothing is under way before the first round. */
export function createBatchMaintenance(app: App): BatchCare {
  let held = new Set<string>();
  const tell = createBatchWebhookDelivery(app);
  const underWay = new Set<Promise<void>>();
  const stopping = new AbortController();
  // not waited for by a round: a receiver that is slow must not keep a window from opening
  const begin = (batch: Batch) => {
    const told = tell(batch, stopping.signal).catch((error) => complain(app, batch, error));
    underWay.add(told);
    told.finally(() => underWay.delete(told));
  };
  const run = async () => {
    const catalog = app.catalog();
    const now = app.clock.now();
    for (const batch of catalog.batches.listOpen()) await careFor(app, batch);
    const open = catalog.batches.listOpen();
    for (const batch of open) begin(batch);
    const heldNow = new Set(
      open.filter((batch) => getHoldReason(batch, { catalog, now }) !== null).map(({ batch_id }) => batch_id),
    );
    const released = open.some(
      ({ batch_id, finished_at }) => finished_at === null && held.has(batch_id) && !heldNow.has(batch_id),
    );
    held = heldNow;
    return released;
  };
  const stop = async () => {
    const done = new AbortController();
    const ended = Promise.all(underWay).then(() => done.abort());
    await Promise.race([ended, app.clock.sleep(LAST_WEBHOOKS_MS, done.signal)]);
    stopping.abort();
    await ended;
  };
  return { run, stop };
}

async function careFor(app: App, batch: Batch): Promise<void> {
  try {
    const now = app.clock.now();
    if (batch.state === "cancelled" && batch.finished_at === null) await cancelItems(app, batch.batch_id);
    const rolled = (await rollWindow(app, batch)) ?? batch;
    const rest = reportKeyFor(rolled, { catalog: app.catalog(), now });
    if (rest !== null && rest !== rolled.reported) await reportBatch(app, { batch: rolled, rest });
  } catch (error) {
    complain(app, batch, error);
  }
}

function complain(app: App, { batch_id }: Batch, error: unknown): void {
  app.log[levelOf(error)]({ batch_id, error: toMessage(error) }, "cannot look after a batch; it is tried again");
}

/** Sets the next occurrence of a window that has closed. Until then the closed one holds the batch. */
async function rollWindow(app: App, batch: Batch): Promise<Batch | undefined> {
  const { window: text, tz, closes_at, batch_id } = batch;
  const now = app.clock.now();
  if (text === null || tz === null || closes_at === null || now < closes_at || batch.finished_at !== null)
    return undefined;
  const window = parseWindow(text, tz);
  return window && app.catalog().batches.change(batch_id, occurrenceAt(window, now));
}
