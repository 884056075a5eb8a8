// Thumbnails and perceptual hashes that were not made at archive time: the process died, was too busy, or the asset is
// older than they are. They are made from what the store holds, and from an existing thumbnail first, which is small.
import type { LateLook, Unpictured } from "../catalog/thumbnails.ts";
import { toMessage } from "../errors.ts";
import { createInspector } from "../image/inspect.ts";
import { toThumbnail } from "../image/preview.ts";
import type { InspectImage } from "../pipeline/image-ports.ts";
import { thumbnailKey } from "../pipeline/keys.ts";
import type { Clock, Log, Store } from "../pipeline/ports.ts";
import { putThumbnail } from "./maker.ts";

export interface MakeUpParts {
  catalog: {
    readonly keeping: {
      listUnpictured(page: { until: number; limit: number }): Unpictured[];
      noteLateLooks(looks: readonly LateLook[]): Promise<void>;
      isErased(digest: string): boolean;
    };
  };
  store: Store;
  clock: Pick<Clock, "now">;
  log: Pick<Log, "warn">;
  signal: AbortSignal;
}

/** Younger assets are left to the process that archived them, in ms. */
const GRACE_MS = 60_000;

/** Assets in one page, and pages in one round: an old archive is gone through bit by bit, beside the other duties. */
const PAGE = 8;
const PAGES = 25;

/** One round; resolves to how many assets were looked at. A store that is away ends it. */
export async function makeUpThumbnails(parts: MakeUpParts): Promise<number> {
  const { catalog, clock, signal, log } = parts;
  const inspect = createInspector({ concurrency: 1 });
  let seen = 0;
  for (let page = 0; page < PAGES && !signal.aborted; page++) {
    const owed = catalog.keeping.listUnpictured({ until: clock.now() - GRACE_MS, limit: PAGE });
    if (owed.length === 0) break;
    try {
      await catalog.keeping.noteLateLooks(await Promise.all(owed.map((asset) => look({ ...parts, inspect }, asset))));
    } catch (error) {
      if (!signal.aborted) log.warn({ error: toMessage(error) }, "thumbnails will be made up later");
      break;
    }
    seen += owed.length;
  }
  return seen;
}

async function look(
  { catalog, store, signal, inspect }: MakeUpParts & { inspect: InspectImage },
  { digest, key, phash }: Unpictured,
): Promise<LateLook> {
  const see = (bytes: Buffer | undefined) => bytes && inspect(bytes).catch(() => undefined);
  const made = await store.get(thumbnailKey(digest), { signal });
  if (made !== undefined && phash !== null) return { digest, phash, thumbnail: "stored" };
  const small = await see(made);
  if (small !== undefined) return { digest, phash: small.phash, thumbnail: "stored" };
  const seen = await see(await store.get(key, { signal }));
  if (seen === undefined) return { digest, phash: null, thumbnail: "impossible" };
  await putThumbnail(store, { digest, bytes: await toThumbnail(seen.preview), signal });
  // a deletion that came meanwhile has looked for it too early
  if (catalog.keeping.isErased(digest)) await store.delete(thumbnailKey(digest), { signal });
  return { digest, phash: seen.phash, thumbnail: "stored" };
}
