// Thumbnails and perceptual hashes that were not made at archive time: the process died, was too busy, or the asset is
// older than they are. They are made from what the store holds, and from an existing thumbnail first, which is small.
import { createHash } from "node:crypto";
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
      listUnpictured(page: { until: number; limit: number; skip: number }): Unpictured[];
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

/** One round; resolves to how many assets were looked at. A page of which the store gives out nothing ends it. */
export async function makeUpThumbnails(parts: MakeUpParts): Promise<number> {
  const { catalog, clock, signal, log } = parts;
  const inspect = createInspector({ concurrency: 1 });
  const until = clock.now() - GRACE_MS;
  const failures: unknown[] = [];
  let seen = 0;
  for (let page = 0; page < PAGES && !signal.aborted; page++) {
    // a few that cannot be read, such as those in cold storage, must not keep the younger ones waiting
    const owed = catalog.keeping.listUnpictured({ until, limit: PAGE, skip: failures.length });
    const ends = await Promise.allSettled(owed.map((asset) => look({ ...parts, inspect }, asset)));
    const looks = ends.flatMap((end) => (end.status === "fulfilled" ? [end.value] : []));
    failures.push(...ends.flatMap((end) => (end.status === "rejected" ? [end.reason] : [])));
    if (looks.length === 0) break;
    await catalog.keeping.noteLateLooks(looks);
    seen += looks.length;
  }
  if (failures.length > 0 && !signal.aborted)
    log.warn({ assets: failures.length, error: toMessage(failures[0]) }, "thumbnails will be made up later");
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
  const bytes = await store.get(key, { signal });
  // other bytes may show a picture, too, and it would stand here for good
  const seen = bytes !== undefined && sha256(bytes) === digest ? await see(bytes) : undefined;
  if (seen === undefined) return { digest, phash: null, thumbnail: "impossible" };
  await putThumbnail(store, { digest, bytes: await toThumbnail(seen.preview), signal });
  // a deletion that came meanwhile has looked for it too early
  if (catalog.keeping.isErased(digest)) await store.delete(thumbnailKey(digest), { signal });
  return { digest, phash: seen.phash, thumbnail: "stored" };
}

function sha256(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}
