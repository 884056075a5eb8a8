// Cancelling a batch: from its first commit on nothing new is called; then the items that cost nothing yet are ended.
import type { App } from "../../app/app.ts";
import type { RequestRecord } from "../../domain/records.ts";
import { createArchiveQueue } from "../../queue/archive-jobs.ts";
import { removeBatchJobs } from "../../queue/batch-jobs.ts";

export interface CancelledBatch {
  /** False where it had ended, or was cancelled already. */
  cancelled: boolean;
  /** Items that were ended now. */
  items: number;
}

/** Cancels a batch and its items. What is paid for is finished and archived. Repeating it finishes what a kill left undone. */
export async function cancelBatch(app: App, batchId: string): Promise<CancelledBatch> {
  const cancelled = await app.catalog().batches.cancel(batchId);
  return { cancelled, items: await cancelItems(app, batchId) };
}

/** Ends the items of a cancelled batch that have cost nothing yet; of those of which a part is paid, that part is kept. */
export async function cancelItems(app: App, batchId: string): Promise<number> {
  const catalog = app.catalog();
  let items = 0;
  for (const page of catalog.batches.listItems(batchId, ["queued", "generating"])) {
    const ends = await Promise.all(page.map(({ request_id }) => catalog.cancel(request_id)));
    const ended = page.filter((_, index) => ends[index]?.cancelled === true).map(({ request_id }) => request_id);
    items += ended.length;
    if (ended.length > 0) await removeBatchJobs(await app.queues(), ended, app.settings.redisUrl);
    for (const request of page.filter((_, index) => ends[index]?.cancelled === false)) await keepPart(app, request);
  }
  return items;
}

// a short answer is paid for: what came of it is archived, and the rest is not asked for any more
async function keepPart(app: App, { request_id }: RequestRecord): Promise<void> {
  const catalog = app.catalog();
  const detail = await catalog.find(request_id);
  if (detail === undefined || detail.images.length === 0 || detail.calls.some((call) => call.state === "sent")) return;
  await catalog.completePartially(request_id, { code: "cancelled", message: "Its batch was cancelled" });
  const queue = createArchiveQueue((await app.queues()).archive, app.settings.redisUrl);
  await queue.add({ request_id, expiresAt: null, purpose: "copy" });
}
