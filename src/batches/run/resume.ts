// A batch that was held goes on: its limits are changed, and the jobs that were let go are put back.
import type { App } from "../../app/app.ts";
import type { BatchChange } from "../../catalog/batches/batches.ts";
import { type Batch, holdOf } from "../../domain/batch.ts";
import { putBackJobs } from "../../queue/batch-jobs.ts";

/** Changes a batch, then puts back what may go on now; undefined where there is no such batch. */
export async function resumeBatch(
  app: App,
  batchId: string,
  change: BatchChange,
): Promise<{ batch: Batch; jobs: number } | undefined> {
  const batch = await app.catalog().batches.change(batchId, change);
  return batch && { batch, jobs: await putBackBatch(app, batch) };
}

/** Puts back the jobs of the unfinished items of a batch, unless it is held; returns how many. */
async function putBackBatch(app: App, batch: Batch): Promise<number> {
  if (holdOf(batch, { now: app.clock.now(), images: 1 }) !== null) return 0;
  const queues = await app.queues();
  let jobs = 0;
  for (const page of app.catalog().batches.listItems(batch.batch_id, ["copying", "generating", "queued"])) {
    jobs += await putBackJobs(queues, page, app.settings.redisUrl);
  }
  return jobs;
}
