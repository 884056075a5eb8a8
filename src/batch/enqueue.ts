// The checked items of a manifest become a batch: each chunk is committed to the catalog, then its jobs are added.
// A kill between the two costs nothing: a worker's upkeep adds the jobs, and so does running the same manifest again.
import type { App } from "../app.ts";
import type { Taken } from "../catalog/batch-items.ts";
import type { NewBatch } from "../catalog/batches.ts";
import type { ManifestOptions } from "../manifest/manifest.ts";
import { type Batch, holdOf } from "../pipeline/batch.ts";
import { addBatchJobs, forgetEndJobs, putBackJobs } from "../queue/batch-jobs.ts";
import { canonicalDigest } from "../request/canonical-json.ts";
import { toJobId } from "../request/request-id.ts";
import { acceptAhead } from "./accept-ahead.ts";
import type { ManifestCheck } from "./check-manifest.ts";
import type { KeptItems } from "./kept-items.ts";

/** What a batch is begun with. */
export interface EnqueueOptions {
  kept: KeptItems;
  manifest: ManifestOptions;
  check: ManifestCheck;
  /** Tells runs of the same manifest apart that are to be batches of their own: nights of a schedule. */
  occasion?: string;
  batch: Omit<NewBatch, "manifest" | "manifest_digest" | "items" | "invalid">;
  signal: AbortSignal;
  /** Called when the batch has its row, and after each chunk. `items` counts those that are recorded. */
  onProgress?(batch: Batch, items: number): void;
}

/** So many chunks are with Redis at once: one that it works on, and one that is being put together meanwhile. */
const ADDING = 2;

/** Begins a batch, or goes on with it; resolves when every item is recorded and has its job, or when `signal` was aborted. */
export async function enqueueManifest(app: App, options: EnqueueOptions): Promise<{ batch: Batch; goesOn: boolean }> {
  const { batches } = app.catalog();
  const { kept, signal } = options;
  // fails here when Redis is away, and then nothing was accepted
  await (await app.queues()).ping();
  const begun = await batches.begin(toBatch(options));
  const { batch_id } = begun.batch;
  if (begun.batch.schedule !== null) await batches.inherit(batch_id);
  options.onProgress?.(begun.batch, 0);
  const { acceptWritten } = app.recorder();
  const adding: Promise<void>[] = [];
  for await (const { taken, read } of acceptAhead(kept.pieces(), {
    accept: (json) => acceptWritten(batch_id, json),
    signal,
  })) {
    if (adding.length === ADDING) await adding.shift();
    adding.push(addPatiently(app, batch_id, taken));
    options.onProgress?.(batches.find(batch_id) ?? begun.batch, read);
  }
  await Promise.all(adding);
  if (signal.aborted) return { ...begun, batch: batches.find(batch_id) ?? begun.batch };
  return { ...begun, batch: await batches.endEnqueuing(batch_id) };
}

function toBatch({ batch, check, manifest, occasion }: EnqueueOptions): NewBatch {
  const { name, digest, items, invalid } = check;
  const content = [digest, manifest.collection ?? null, [...(manifest.tags ?? [])], occasion ?? null];
  return { ...batch, manifest: name, manifest_digest: canonicalDigest(content), items, invalid };
}

// a commit that the disk holds up for seconds looks like a late Redis: asked once more, jobs that are there are left alone
function addPatiently(app: App, batchId: string, taken: readonly Taken[]): Promise<void> {
  const added = addJobs(app, batchId, taken).catch(() => addJobs(app, batchId, taken));
  // it is waited for in its turn, and may fail before
  added.catch(() => undefined);
  return added;
}

async function addJobs(app: App, batchId: string, taken: readonly Taken[]): Promise<void> {
  const batch = app.catalog().batches.find(batchId);
  // outside of its window it would only be let go again; the workers' upkeep adds the jobs when it opens
  const held = batch === undefined || holdOf(batch, { now: app.clock.now(), images: 1 }) !== null;
  const queues = await app.queues();
  const { redisUrl } = app.settings;
  const known = taken.filter((one) => one.known && one.job !== null && !(held && one.job === "generate"));
  const fresh = taken.filter((one) => !one.known && one.job === "generate");
  if (!held)
    await addBatchJobs(
      queues,
      fresh.map(({ request_id }) => ({ request_id, batch_id: batchId })),
      redisUrl,
    );
  await forgetEndJobs(
    queues,
    taken.filter((one) => one.as === "retried"),
    redisUrl,
  );
  await putBackJobs(
    queues,
    known.map(({ request_id, job }) => ({
      request_id,
      batch_id: batchId,
      job_id: toJobId(request_id),
      state: job === "archive" ? "copying" : "queued",
    })),
    redisUrl,
  );
}
