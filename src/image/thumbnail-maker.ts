// Makes the thumbnails of assets that have just been recorded, out of previews that are still in memory. It works beside
// the jobs: it delays none, and what it cannot do now is made up later from the store (make-up.ts).
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
  /** Whether images are being copied at this moment: they go first. */
  isBusy(): boolean;
}

/** The port, and its end. */
export interface ThumbnailMaker extends Thumbnails {
  /** Makes what waits, for a moment, and writes down what was made. All else is left to be made up. */
  close(): Promise<void>;
}

/** Previews that wait at most, together: beyond that memory is worth more than reading the original once more. */
const WAITING_MAX_BYTES = 32 * 1024 * 1024;

/** Thumbnails in hand at once: one that is encoded while the other one is on its way to the store. */
const CONCURRENCY = 2;

/**
 * While images are copied a lane rests for so many times as long as its thumbnail took: each costs some 2 ms of CPU, which
 * would else be a third of what a worker can do when it has all its hands full. It catches up when there is a lull.
 */
const PAUSE_FACTOR = 4;
const PAUSE_MAX_MS = 2_000;

/** So many thumbnails are written down in one commit, or as many as there are when none waits any more. */
const RECORD_BATCH_SIZE = 50;

/** What closing takes at most, in ms: a store that is away must not hold up a process that stops. */
const CLOSE_MS = 3_000;

/** One maker for a process. */
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
        deps.log.debug({ digest: next.digest, error: toMessage(error) }, "its thumbnail will be made up later");
      }
      await pause(performance.now() - begun);
    }
    await recordStored().catch((error) =>
      deps.log.debug({ error: toMessage(error) }, "thumbnails will be looked up later"),
    );
  }

  async function pause(tookMs: number): Promise<void> {
    if (!deps.isBusy()) return;
    await deps.clock.sleep(Math.min(tookMs * PAUSE_FACTOR, PAUSE_MAX_MS), closing.signal);
  }

  async function recordStored(): Promise<void> {
    const digests = stored.splice(0);
    if (digests.length === 0) return;
    // a deletion that came while they waited has looked for them too early
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

/** Puts a thumbnail in its place. A later version may make it differently, so caches keep it for a day only. */
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
