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
const AT_ONCE = 2;

/**
 * While images are copied a lane rests for so many times as long as its thumbnail took: each costs some 2 ms of CPU, which
 * would else be a third of what a worker can do when it has all its hands full. It catches up when there is a lull.
 */
const REST_FACTOR = 4;
const REST_MAX_MS = 2_000;

/** So many thumbnails are written down in one commit, or as many as there are when none waits any more. */
const NOTED_AT_ONCE = 50;

/** What closing takes at most, in ms: a store that is away must not hold up a process that stops. */
const CLOSE_MS = 3_000;

/** One maker for a process. */
export function createThumbnailMaker(parts: ThumbnailMakerDeps): ThumbnailMaker {
  const waiting: { digest: string; preview: Preview }[] = [];
  const stored: string[] = [];
  const lanes = new Set<Promise<void>>();
  const givingUp = new AbortController();
  const { signal } = givingUp;
  const closing = new AbortController();
  let waitingBytes = 0;

  async function run(): Promise<void> {
    for (let next = waiting.shift(); next !== undefined && !signal.aborted; next = waiting.shift()) {
      waitingBytes -= next.preview.pixels.length;
      const begun = performance.now();
      try {
        const { digest, preview } = next;
        await putThumbnail(parts.store, { digest, bytes: await toThumbnail(preview), signal });
        stored.push(next.digest);
        if (stored.length >= NOTED_AT_ONCE) await note();
      } catch (error) {
        parts.log.debug({ digest: next.digest, error: toMessage(error) }, "its thumbnail will be made up later");
      }
      await rest(performance.now() - begun);
    }
    await note().catch((error) => parts.log.debug({ error: toMessage(error) }, "thumbnails will be looked up later"));
  }

  async function rest(tookMs: number): Promise<void> {
    if (!parts.isBusy()) return;
    await parts.clock.sleep(Math.min(tookMs * REST_FACTOR, REST_MAX_MS), closing.signal);
  }

  async function note(): Promise<void> {
    const digests = stored.splice(0);
    if (digests.length === 0) return;
    // a deletion that came while they waited has looked for them too early
    for (const digest of await parts.catalog.recordThumbnails(digests))
      await parts.store.delete(thumbnailKey(digest), { signal });
  }

  return {
    offer: (asset) => {
      const bytes = asset.preview.pixels.length;
      if (closing.signal.aborted || waitingBytes + bytes > WAITING_MAX_BYTES) return;
      waitingBytes += bytes;
      waiting.push(asset);
      if (lanes.size >= AT_ONCE) return;
      const lane = run().finally(() => lanes.delete(lane));
      lanes.add(lane);
    },
    close: async () => {
      closing.abort();
      const deadline = setTimeout(() => givingUp.abort(), CLOSE_MS);
      await Promise.all(lanes);
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
