// The second reading of a manifest: each chunk is committed to the catalog, then its jobs are added while the next is read.
// A kill between the two costs nothing: a worker's upkeep adds the jobs, and so does running the same manifest again.
import type { App } from "../app.ts";
import type { BatchItem, Taken } from "../catalog/batch-items.ts";
import type { NewBatch } from "../catalog/batches.ts";
import type { ManifestEntry } from "../manifest/entry.ts";
import { type ManifestOptions, readManifest } from "../manifest/manifest.ts";
import { type Batch, holdOf } from "../pipeline/batch.ts";
import { addBatchJobs, forgetEndJobs, putBackJobs } from "../queue/batch-jobs.ts";
import { canonicalDigest } from "../request/canonical-json.ts";
import { toJobId } from "../request/request-id.ts";
import { toRequest } from "../request/submission.ts";
import type { ManifestCheck } from "./check-manifest.ts";
import { inChunks } from "./chunks.ts";
import type { KeptManifest } from "./kept-manifest.ts";

/** What a batch is begun with. */
export interface EnqueueOptions {
  kept: KeptManifest;
  manifest: ManifestOptions;
  check: ManifestCheck;
  /** Tells runs of the same manifest apart that are to be batches of their own: nights of a schedule. */
  occasion?: string;
  batch: Omit<NewBatch, "manifest" | "manifest_digest" | "items" | "invalid">;
  signal: AbortSignal;
  /** Called when the batch has its row, and after each chunk. `items` counts those read. */
  onProgress?(batch: Batch, items: number): void;
}

/** Begins a batch, or goes on with it; resolves when every item is recorded and has its job, or when `signal` was aborted. */
export async function enqueueManifest(app: App, options: EnqueueOptions): Promise<{ batch: Batch; goesOn: boolean }> {
  const { batches } = app.catalog();
  const { kept, check, manifest } = options;
  // fails here when Redis is away, and then nothing was accepted
  await (await app.queues()).ping();
  const begun = await batches.begin({
    ...options.batch,
    manifest: kept.name,
    manifest_digest: canonicalDigest([
      kept.digest,
      manifest.collection ?? null,
      [...(manifest.tags ?? [])],
      options.occasion ?? null,
    ]),
    items: check.items,
    invalid: check.invalid,
  });
  const { batch_id } = begun.batch;
  if (begun.batch.schedule !== null) await batches.inherit(batch_id);
  options.onProgress?.(begun.batch, 0);
  let items = 0;
  // while Redis takes the jobs of one chunk, the next is read and committed; of each item the row still comes first
  let adding = Promise.resolve();
  for await (const chunk of inChunks(readManifest(kept.open(), manifest))) {
    if (options.signal.aborted) break;
    const taken = await batches.acceptItems(batch_id, toItems(chunk, items));
    items += chunk.length;
    await adding;
    // a commit that the disk holds up for seconds looks like a late Redis: asked once more, jobs that are there are left alone
    adding = addJobs(app, batch_id, taken).catch(() => addJobs(app, batch_id, taken));
    // it is waited for above or below; a chunk that cannot be read meanwhile must not leave it unheard
    adding.catch(() => undefined);
    options.onProgress?.(batches.find(batch_id) ?? begun.batch, items);
  }
  await adding;
  if (options.signal.aborted) return { ...begun, batch: batches.find(batch_id) ?? begun.batch };
  return { ...begun, batch: await batches.endEnqueuing(batch_id) };
}

function toItems(chunk: readonly ManifestEntry[], before: number): BatchItem[] {
  return chunk.flatMap((entry, index) => {
    if ("faults" in entry) return [];
    const { submission, contentHash, duplicateOf } = entry;
    const request = toRequest(submission, { requestId: submission.request_id, random: Math.random, contentHash });
    return [{ item: before + index + 1, isDuplicate: duplicateOf !== undefined, request }];
  });
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
