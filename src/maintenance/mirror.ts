// The second copy: what the catalog asks for is copied from the first store to the mirror. It has its own retries and
// never delays the first copy: whatever happens here, a request is archived already.
import { createHash } from "node:crypto";
import type { IntegrityQueries } from "../catalog/integrity/integrity.ts";
import type { MirrorJob } from "../catalog/integrity/mirror.ts";
import { levelOf, TransientError, toMessage } from "../domain/errors.ts";
import type { Clock, Log, Store } from "../pipeline/ports.ts";
import { withinReadBudget } from "../pipeline/read-budget.ts";

export interface MirrorDeps {
  integrity: IntegrityQueries;
  store: Store;
  mirror: Store;
  clock: Pick<Clock, "now">;
  log: Log;
  signal: AbortSignal;
}

/** What a round of copying did. */
export interface Mirrored {
  copied: number;
  failed: number;
}

/** Copies at once. */
const AT_ONCE = 8;

/** Copies everything that is due; calls `onProgress` after each group. Never throws for what cannot be copied now. */
export async function mirrorDue(
  parts: MirrorDeps,
  onProgress: (done: Mirrored) => void = () => undefined,
): Promise<Mirrored> {
  const done = { copied: 0, failed: 0 };
  while (!parts.signal.aborted) {
    const jobs = await parts.integrity.claimMirrorJobs(AT_ONCE);
    if (jobs.length === 0) break;
    const ends = await Promise.all(jobs.map((job) => copyOne(parts, job)));
    done.copied += ends.filter((copied) => copied).length;
    done.failed += ends.filter((copied) => !copied).length;
    onProgress(done);
  }
  return done;
}

/** Asks for the sidecars of batches that the mirror lacks: nothing else says which it has. */
export async function queueBatches({
  integrity,
  store,
  mirror,
  signal,
}: Pick<MirrorDeps, "integrity" | "store" | "mirror" | "signal">): Promise<void> {
  for await (const { key } of store.list("batches/", { signal }))
    if ((await mirror.head(key, { signal })) === undefined) await integrity.queueMirror(key);
}

async function copyOne(parts: MirrorDeps, job: MirrorJob): Promise<boolean> {
  const { integrity, clock, log } = parts;
  const begunAt = clock.now();
  try {
    if (!isErased(parts, job)) await withinReadBudget(job.bytes ?? 0, () => copy(parts, job));
    // asked again after the copy: a deletion that came meanwhile has looked for it too early
    if (isErased(parts, job)) await parts.mirror.delete(job.key, { signal: parts.signal });
    await integrity.endMirrorJob(job, begunAt);
    return true;
  } catch (error) {
    const delayMs = mirrorDelayMs(job.tries);
    log[levelOf(error)](
      { key: job.key, tries: job.tries, delay_ms: delayMs, error: toMessage(error) },
      "not mirrored yet",
    );
    await integrity.delayMirrorJob(job, { delayMs, error: toMessage(error) });
    return false;
  }
}

function isErased({ integrity }: MirrorDeps, { digest }: MirrorJob): boolean {
  return digest !== null && integrity.isErased(digest);
}

async function copy({ store, mirror, signal }: MirrorDeps, job: MirrorJob): Promise<void> {
  const bytes = await store.get(job.key, { signal });
  if (bytes === undefined)
    throw new TransientError(`Cannot mirror "${job.key}": it is not in the store`, { code: "mirror_no_source" });
  const digest = createHash("sha256").update(bytes).digest("hex");
  // a spoilt first copy must not spoil the second one
  if (job.digest !== null && job.digest !== digest)
    throw new TransientError(`Cannot mirror "${job.key}": the store holds other bytes, with digest ${digest}`, {
      code: "mirror_bad_source",
    });
  const contentType = toContentType(job.key);
  await mirror.put(job.key, bytes, {
    contentType,
    digest,
    signal,
    ...(job.digest === null ? {} : { cacheControl: CACHE_CONTROL }),
  });
}

const CACHE_CONTROL = "public, max-age=31536000, immutable";
const CONTENT_TYPES: Record<string, string> = {
  png: "image/png",
  jpg: "image/jpeg",
  webp: "image/webp",
  json: "application/json",
};

/** The content type that the key's extension stands for. */
export function toContentType(key: string): string {
  return CONTENT_TYPES[key.split(".").at(-1) ?? ""] ?? "application/octet-stream";
}

const FIRST_DELAY_MS = 5_000;
const LONGEST_DELAY_MS = 3_600_000;

/** From five seconds, doubling, to an hour. */
export function mirrorDelayMs(tries: number): number {
  return Math.min(FIRST_DELAY_MS * 2 ** Math.min(tries - 1, 20), LONGEST_DELAY_MS);
}
