// Makes the thumbnails of new assets from previews in memory, in the background. It delays no job; what it cannot make is
// backfilled later from the store (maintenance/thumbnail-backfill.ts).
import { createHash } from "node:crypto";
import { toMessage } from "../domain/errors.ts";
import { thumbnailKey } from "../domain/keys.ts";
import type { Preview, Thumbnails } from "../pipeline/image-ports.ts";
import type { Catalog, Clock, Log, Store } from "../pipeline/ports.ts";
import { toThumbnail } from "./preview.ts";

export interface ThumbnailMakerDeps {
  store: Pick<Store, "put" | "delete">;
  catalog: Pick<Catalog, "recordThumbnails">;
  clock: Pick<Clock, "sleep">;
  log: Pick<Log, "debug">;
  /** Whether images are being copied now: they have priority. */
  isBusy(): boolean;
}

/** The port, and how to close it. */
export interface ThumbnailMaker extends Thumbnails {
  /** Finishes what is waiting, for a moment, and records it. The backfill makes the rest. */
  close(): Promise<void>;
}

/** The maximum size of waiting previews, together. Beyond it, reading the original again later is cheaper than memory. */
const WAITING_MAX_BYTES = 32 * 1024 * 1024;

/** One thumbnail is encoded while the other is uploaded. */
const CONCURRENCY = 2;

/**
 * While images are copied, pause after each thumbnail for this multiple of the time it took. Each costs about 2 ms of CPU,
 * which otherwise is a third of a busy worker's capacity. It catches up when the worker is idle.
 */
const PAUSE_FACTOR = 4;
const PAUSE_MAX_MS = 2_000;

/** The maximum number of thumbnails recorded in one commit. */
const RECORD_BATCH_SIZE = 50;

/** The maximum time for closing, in ms: an unavailable store must not delay shutdown. */
const CLOSE_MS = 3_000;

/** Creates the maker; one for a process. */
export function createThumbnailMaker(deps: ThumbnailMakerDeps): ThumbnailMaker {
  const waiting: { digest: string; preview: Preview }[] = [];
  const stored: string[] = [];
  const workers = new Set<Promise<void>>();
  const aborting = new AbortController();
  const { signal } = aborting;
  const closing = new AbortController();
  let waitingBytes = 0;

  async function run(): Promise<void> {
    for (let next = waiting.shift(); next !== undefined && !signal.aborted; next = waiting.shift()) {
      waitingBytes -= next.preview.pixels.length;
      const begun = performance.now();
      try {
        const { digest, preview } = next;
        await putThumbnail(deps.store, { digest, bytes: await toThumbnail(preview), signal });
        stored.push(next.digest);
        if (stored.length >= RECORD_BATCH_SIZE) await recordStored();
      } catch (error) {
        deps.log.debug(
          { digest: next.digest, error: toMessage(error) },
          "cannot make the thumbnail now; it is backfilled later",
        );
      }
      await pause(performance.now() - begun);
    }
    await recordStored().catch((error) =>
      deps.log.debug({ error: toMessage(error) }, "cannot record thumbnails now; they are found later"),
    );
  }

  async function pause(tookMs: number): Promise<void> {
    if (!deps.isBusy()) return;
    await deps.clock.sleep(Math.min(tookMs * PAUSE_FACTOR, PAUSE_MAX_MS), closing.signal);
  }

  async function recordStored(): Promise<void> {
    const digests = stored.splice(0);
    if (digests.length === 0) return;
    // the assets were erased meanwhile, before the thumbnails were in the store
    for (const digest of await deps.catalog.recordThumbnails(digests))
      await deps.store.delete(thumbnailKey(digest), { signal });
  }

  return {
    offer: (asset) => {
      const bytes = asset.preview.pixels.length;
      if (closing.signal.aborted || waitingBytes + bytes > WAITING_MAX_BYTES) return;
      waitingBytes += bytes;
      waiting.push(asset);
      if (workers.size >= CONCURRENCY) return;
      const worker = run().finally(() => workers.delete(worker));
      workers.add(worker);
    },
    close: async () => {
      closing.abort();
      const deadline = setTimeout(() => aborting.abort(), CLOSE_MS);
      await Promise.all(workers);
      clearTimeout(deadline);
    },
  };
}

/** Stores a thumbnail. A later version may render it differently, so caches keep it for a day only. */
export async function putThumbnail(
  store: Pick<Store, "put">,
  { digest, bytes, signal }: { digest: string; bytes: Buffer; signal?: AbortSignal },
): Promise<void> {
  await store.put(thumbnailKey(digest), bytes, {
    contentType: "image/webp",
    digest: createHash("sha256").update(bytes).digest("hex"),
    cacheControl: "public, max-age=86400",
    ...(signal === undefined ? {} : { signal }),
  });
}
