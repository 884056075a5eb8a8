// The hits of a page, read whole in three statements.
import { inArray } from "drizzle-orm";
import { type ArchivedAsset, toArchivedAssets } from "../pipeline/archive.ts";
import type { RequestRecord } from "../pipeline/records.ts";
import type { Parts } from "./parts.ts";
import { ASSET_COLUMNS, toRequestRecord } from "./rows.ts";
import { assets, images, requests } from "./schema.ts";

export interface SearchHit {
  request: RequestRecord;
  /** What of it is archived, by index. */
  assets: ArchivedAsset[];
}

/** The hits with their assets, in the given order. */
export function readHits(parts: Parts, ids: readonly string[]): SearchHit[] {
  if (ids.length === 0) return [];
  const wanted = [...ids];
  const rows = parts.db.select().from(requests).where(inArray(requests.request_id, wanted)).all();
  const tied = parts.db.select().from(images).where(inArray(images.request_id, wanted)).orderBy(images.index).all();
  const digests = [...new Set(tied.flatMap((image) => image.digest ?? []))];
  const stored = parts.db.select(ASSET_COLUMNS).from(assets).where(inArray(assets.digest, digests)).all();
  const byId = new Map(rows.map((row) => [row.request_id, row]));
  const imagesOf = Map.groupBy(tied, (image) => image.request_id);
  const assetOf = new Map(stored.map((asset) => [asset.digest, asset]));
  return ids.flatMap((id) => {
    const row = byId.get(id);
    if (row === undefined) return [];
    const own = imagesOf.get(id) ?? [];
    const archived = own.flatMap((image) => assetOf.get(image.digest ?? "") ?? []);
    return [{ request: toRequestRecord(row), assets: toArchivedAssets({ images: own, assets: archived }) }];
  });
}
