// The hits of a page, read whole in two statements.

import type { ArchivedAsset, Asset, RequestRecord } from "../../domain/records.ts";
import type { Db } from "../db/database.ts";
import { eq, sql } from "../db/orm.ts";
import { ASSET_COLUMNS, toRequestRecord } from "../requests/rows.ts";
import { assets, images, requests } from "../schema/requests.ts";

export interface SearchHit {
  request: RequestRecord;
  /** What of it is archived, by index. */
  assets: ArchivedAsset[];
}

/** Reads the hits with their assets, in the given order. */
export type ReadHits = (ids: readonly string[]) => SearchHit[];

export function createHitReader(db: Db): ReadHits {
  // one parameter for all ids, so that the statements are prepared once
  const all = sql`(select value from json_each(${sql.placeholder("all")}))`;
  const rowsOf = db.select().from(requests).where(sql`${requests.request_id} in ${all}`).prepare();
  const imagesOf = db
    .select({ request_id: images.request_id, index: images.index, asset: ASSET_COLUMNS })
    .from(images)
    .innerJoin(assets, eq(assets.asset_id, images.asset_id))
    .where(sql`${images.request_id} in ${all}`)
    .orderBy(images.index)
    .prepare();
  return (ids) => {
    if (ids.length === 0) return [];
    const wanted = { all: JSON.stringify(ids) };
    const rows = new Map(rowsOf.all(wanted).map((row) => [row.request_id, row]));
    const archived = Map.groupBy(imagesOf.all(wanted), (image) => image.request_id);
    return ids.flatMap((id) => {
      const row = rows.get(id);
      const own = (archived.get(id) ?? []).map(({ index, asset }) => toArchivedAsset(index, asset));
      return row === undefined ? [] : [{ request: toRequestRecord(row), assets: own }];
    });
  };
}

function toArchivedAsset(index: number, { digest, key, bytes, content_type, width, height }: Asset): ArchivedAsset {
  return { index, digest, key, bytes, content_type, width, height };
}
