// The items of a batch in the order of its manifest: its own, and those that were archived or under way elsewhere when it was
// enqueued. The order is that of two indexes, so that a page of a million items is a short read.
import type { SQL } from "drizzle-orm";
import type { ExistingItem } from "../../domain/batch-sidecar.ts";
import type { CatalogContext } from "../context.ts";
import { sql } from "../db/orm.ts";
import { prepared } from "../db/prepared.ts";

/** Where an item stands: its place in the manifest, from 1, and the row number of its request. */
export interface ManifestPosition {
  item: number;
  row_number: number;
}

/** Before the first item. */
export const MANIFEST_START: ManifestPosition = { item: 0, row_number: 0 };

/** The place of what was taken over from an earlier run, and is no longer in the manifest: behind all others. */
const NOT_IN_MANIFEST = Number.MAX_SAFE_INTEGER;

/** The next items behind a position, at most `limit` of them; fewer only at the end. */
export function listInManifestOrder(
  context: CatalogContext,
  batchId: string,
  { after, limit }: { after: ManifestPosition; limit: number },
): ManifestPosition[] {
  return selectPositions(context.db).all({ batchId, ...after, limit, last: NOT_IN_MANIFEST }) as ManifestPosition[];
}

const selectPositions = prepared(({ $client: sqlite }) =>
  sqlite.prepare(`select item, row_number from (
      select * from (select batch_item as item, row_number from requests indexed by requests_by_manifest
        where batch_id = @batchId and batch_item is not null and (batch_item, row_number) > (@item, @row_number)
        order by batch_item, row_number limit @limit)
      union all
      select * from (select batch_item as item, row_number from batch_existing_items
        indexed by batch_existing_items_by_manifest
        where batch_id = @batchId and (batch_item, row_number) > (@item, @row_number) order by batch_item, row_number limit @limit)
      union all
      select * from (select @last as item, row_number from requests indexed by requests_outside_manifest
        where batch_id = @batchId and batch_item is null and (@last, row_number) > (@item, @row_number) order by row_number limit @limit)
    ) order by item, row_number limit @limit`),
);

/** The items of a batch that belong to another one or to none, in the order of its manifest, at most `limit`. */
export function listExistingItems({ db }: CatalogContext, batchId: string, limit: number): ExistingItem[] {
  return db.all(sql`select e.batch_item, e.manifest_line, r.request_id from batch_existing_items e
    join requests r on r.row_number = e.row_number where e.batch_id = ${batchId} order by e.batch_item limit ${limit}`);
}

/** The place of `requests r` in the manifest of a batch that it is in. */
export function placeIn(batchId: string): SQL {
  return sql`case when r.batch_id = ${batchId} then coalesce(r.batch_item, ${NOT_IN_MANIFEST}) else
    (select e.batch_item from batch_existing_items e where e.batch_id = ${batchId} and e.row_number = r.row_number) end`;
}

/** Whether `requests r` is an item of a batch. */
export function isInBatch(batchId: string): SQL {
  return sql`(r.batch_id = ${batchId} or exists
    (select 1 from batch_existing_items e where e.batch_id = ${batchId} and e.row_number = r.row_number))`;
}

/** Whether a batch has items that belong to another one or to none. */
export function hasExistingItems({ db }: CatalogContext, batchId: string): boolean {
  return db.get(sql`select 1 from batch_existing_items where batch_id = ${batchId} limit 1`) !== undefined;
}
