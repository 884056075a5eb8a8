// What a worker does for batches besides their jobs: opens the next night's window, ends what was cancelled, reports what
// came to rest. Every worker does it; what must happen once is claimed in the catalog.
import type { App } from "../app.ts";
import { toMessage } from "../errors.ts";
import type { Batch } from "../pipeline/batch.ts";
import { cancelItems } from "./cancel.ts";
import { reportBatch } from "./report.ts";
import { holdNow, restOf } from "./rest.ts";
import { createTeller } from "./tell.ts";
import { occurrenceAt, parseWindow } from "./window.ts";

/** Looks after all open batches once; returns whether one of them may go on that was held the last time. */
export function createBatchCare(app: App): () => Promise<boolean> {
  let held = new Set<string>();
  const tell = createTeller(app);
  return async () => {
    const catalog = app.catalog();
    const now = app.clock.now();
    for (const batch of catalog.batches.listOpen()) await careFor(app, batch);
    const open = catalog.batches.listOpen();
    // not waited for: a receiver that is slow must not keep a window from opening
    for (const batch of open) tell(batch).catch((error) => complain(app, batch, error));
    const heldNow = new Set(
      open.filter((batch) => holdNow(batch, { catalog, now }) !== null).map(({ batch_id }) => batch_id),
    );
    const released = open.some(
      ({ batch_id, finished_at }) => finished_at === null && held.has(batch_id) && !heldNow.has(batch_id),
    );
    held = heldNow;
    return released;
  };
}

async function careFor(app: App, batch: Batch): Promise<void> {
  try {
    const now = app.clock.now();
    if (batch.state === "cancelled" && batch.finished_at === null) await cancelItems(app, batch.batch_id);
    const rolled = (await rollWindow(app, batch)) ?? batch;
    const rest = restOf(rolled, { catalog: app.catalog(), now });
    if (rest !== null && rest !== rolled.reported) await reportBatch(app, { batch: rolled, rest });
  } catch (error) {
    complain(app, batch, error);
  }
}

function complain(app: App, { batch_id }: Batch, error: unknown): void {
  app.log.warn({ batch_id, error: toMessage(error) }, "cannot look after a batch; it is tried again");
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
