// Reads the thumbnail of an asset, or makes it.
import pLimit from "p-limit";
import { thumbnailKey } from "../domain/keys.ts";
import type { InspectImage } from "../pipeline/image-ports.ts";
import type { Store } from "../pipeline/ports.ts";
import { withinReadBudget } from "../pipeline/read-budget.ts";
import { createInspector } from "./inspect.ts";
import { toThumbnail } from "./preview.ts";

export interface ReadThumbnailDeps {
  store: Pick<Store, "get">;
  signal?: AbortSignal;
}

/**
 * A WebP of at most 90,000 pixels (300 × 300, or 400 × 225): from the store, or made from the original without storing
 * it. `original` spares reading it. Undefined if there are no bytes, or if they do not decode. Throws the store's errors.
 */
export async function readThumbnail(
  { store, signal }: ReadThumbnailDeps,
  asset: { digest: string; key: string; bytes?: number },
  original?: Buffer,
): Promise<Buffer | undefined> {
  const options = signal === undefined ? {} : { signal };
  const stored = await store.get(thumbnailKey(asset.digest), options);
  if (stored !== undefined) return stored;
  if (original !== undefined) return limit(() => makeThumbnail(original));
  return limit(() =>
    withinReadBudget(asset.bytes ?? 0, async () => {
      const bytes = await store.get(asset.key, options);
      return bytes && makeThumbnail(bytes);
    }),
  );
}

/** A page of an old archive requests sixty thumbnails. */
const limit = pLimit(3);

let inspect: InspectImage | undefined;

async function makeThumbnail(bytes: Buffer): Promise<Buffer | undefined> {
  inspect ??= createInspector();
  const inspected = await inspect(bytes).catch(() => undefined);
  return inspected && toThumbnail(inspected.preview);
}
