// One look at a batch, and following it until it needs nobody to wait any more.
import type { App } from "../../app/app.ts";
import { type BatchFailure, toBatchFailure } from "../../output/report/batch-report.ts";
import { type BatchView, toBatchView } from "../../output/report/batch-view.ts";
import { getHoldReason } from "./report-trigger.ts";

/** Followers look at the record this often, in ms, and never for more than a twentieth of the time. */
const LOOK_EVERY_MS = 500;
const LOOK_SHARE = 20;

/** A batch as it is now; undefined where there is none of this id. */
export function getBatchView(app: App, batchId: string): BatchView | undefined {
  const catalog = app.catalog();
  const batch = catalog.batches.find(batchId);
  if (batch === undefined) return undefined;
  return toBatchView({
    batch,
    held: getHoldReason(batch, { catalog, now: app.clock.now() }),
    requests: catalog.batches.countItems(batchId),
    before: catalog.batches.countArchivedBefore(batchId),
    locate: (key) => app.store().locate(key),
  });
}

/** Items named for each reason of failure. */
const NAMED = 5;

/** What failed in a batch or is parked, by its reason, with the remedy that fits. */
export function listFailures(app: App, batchId: string): BatchFailure[] {
  const reasons = app.catalog().batches.failures(batchId, NAMED);
  return reasons.map(({ number: items, ...reason }) => toBatchFailure(batchId, { ...reason, items }));
}

/**
 * Whether waiting longer is of use: a closed window opens again by itself, what a person or a budget holds does not. A
 * cancelled batch has ended when what was paid for has.
 */
export function hasSettled(view: BatchView): boolean {
  if (view.finished_at !== null) return true;
  const moving = view.requests.generating + view.requests.copying > 0;
  return view.state === "held" && view.held_reason !== "window" && !moving;
}

/** Waits on the record until a batch has settled, or `signal` is aborted; the last look. Undefined for an unknown id. */
export async function followBatch(
  app: App,
  batchId: string,
  { signal, onLook }: { signal: AbortSignal; onLook?: (view: BatchView) => void },
): Promise<BatchView | undefined> {
  for (;;) {
    const begun = app.clock.now();
    const view = getBatchView(app, batchId);
    if (view === undefined) return undefined;
    const tookMs = app.clock.now() - begun;
    onLook?.(view);
    if (hasSettled(view) || signal.aborted) return view;
    await app.clock.sleep(Math.max(LOOK_EVERY_MS, tookMs * LOOK_SHARE), signal);
  }
}
