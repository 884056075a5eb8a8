// The checked items of a manifest become a batch: each chunk is committed to the catalog, then its jobs are added.
// A kill between the two costs nothing: a worker's upkeep adds the jobs, and so does running the same manifest again.
import type { App } from "../../app/app.ts";
import type { NewBatch } from "../../catalog/batches/batches.ts";
import type { Accepted, ItemResult } from "../../catalog/batches/encoded-items.ts";
import { type Batch, holdOf } from "../../domain/batch.ts";
import { canonicalDigest } from "../../domain/request/canonical-json.ts";
import { toJobId } from "../../domain/request/request-id.ts";
import { type BatchQueue, forgetEndJobs, openBatchQueue, putBackJobs } from "../../queue/batch-jobs.ts";
import type { ManifestOptions } from "../manifest/manifest.ts";
import { acceptPrefetched } from "./accept-prefetched.ts";
import type { ManifestCheck } from "./check-manifest.ts";
import type { ItemSpool } from "./item-spool.ts";

/** What a batch is begun with. */
export interface EnqueueOptions {
  kept: ItemSpool;
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
  // fails here when Redis is away, and then nothing was accepted
  const queue = await openBatchQueue({ redisUrl: app.settings.redisUrl, prefix: app.settings.queuePrefix });
  try {
    const begun = await batches.start(toBatch(options));
    const { batch_id } = begun.batch;
    if (begun.batch.schedule !== null) await batches.adoptItems(batch_id);
    await enqueueItems(app, { ...options, begun: begun.batch, queue });
    if (options.signal.aborted) return { ...begun, batch: batches.find(batch_id) ?? begun.batch };
    return { ...begun, batch: await batches.endEnqueuing(batch_id) };
  } finally {
    await queue.close();
  }
}

async function enqueueItems(app: App, options: EnqueueOptions & { begun: Batch; queue: BatchQueue }): Promise<void> {
  const { kept, signal, begun, queue, onProgress } = options;
  const { batch_id } = begun;
  const { batches } = app.catalog();
  const { acceptEncoded } = app.recorder();
  const adding: Promise<void>[] = [];
  onProgress?.(begun, 0);
  for await (const { accepted, read } of acceptPrefetched(kept.pieces(), {
    accept: (lines) => acceptEncoded(batch_id, lines),
    signal,
  })) {
    if (adding.length === ADDING) await adding.shift();
    adding.push(addPatiently(app, { ...accepted, batchId: batch_id, queue }));
    onProgress?.(batches.find(batch_id) ?? begun, read);
  }
  await Promise.all(adding);
}

function toBatch({ batch, check, manifest, occasion }: EnqueueOptions): NewBatch {
  const { name, digest, items, invalid } = check;
  const content = [digest, manifest.collection ?? null, [...(manifest.tags ?? [])], occasion ?? null];
  return { ...batch, manifest: name, manifest_digest: canonicalDigest(content), items, invalid };
}

interface Chunk extends Accepted {
  batchId: string;
  queue: BatchQueue;
}

// a commit that the disk holds up for seconds looks like a late Redis: asked once more, jobs that are there are left alone
function addPatiently(app: App, chunk: Chunk): Promise<void> {
  const added = addJobs(app, chunk).catch(() => addJobs(app, chunk));
  // it is waited for in its turn, and may fail before
  added.catch(() => undefined);
  return added;
}

async function addJobs(app: App, { batchId, fresh, known, queue }: Chunk): Promise<void> {
  const batch = app.catalog().batches.find(batchId);
  // outside of its window it would only be let go again; the workers' upkeep adds the jobs when it opens
  const held = batch === undefined || holdOf(batch, { now: app.clock.now(), images: 1 }) !== null;
  if (!held) await queue.add(fresh.map((request_id) => ({ request_id, batch_id: batchId })));
  if (known.length > 0) await bringBack(app, { batchId, known, held });
}

interface Returning {
  batchId: string;
  known: readonly ItemResult[];
  held: boolean;
}

/** Jobs of requests that the catalog knew: what is left of their old ones must not stand in the way. */
async function bringBack(app: App, { batchId, known, held }: Returning): Promise<void> {
  const queues = await app.queues();
  const { redisUrl } = app.settings;
  // these will end again, whatever the window says now
  await forgetEndJobs(
    queues,
    known.filter((one) => one.as === "retried"),
    redisUrl,
  );
  await putBackJobs(
    queues,
    known
      .filter(({ job }) => !(held && job === "generate"))
      .map(({ request_id, job }) => ({
        request_id,
        batch_id: batchId,
        job_id: toJobId(request_id),
        state: job === "archive" ? "copying" : "queued",
      })),
    redisUrl,
  );
}
