// Pages of requests and assets for people who leaf through the catalog: newest first, a page at a time, by cursor.
// One page is one short read; nothing here walks the whole catalog.

import type { SQL } from "drizzle-orm";
import type { Asset, AssetFault, RequestDetail, RequestState } from "../pipeline/records.ts";
import { placeOf } from "./assets.ts";
import type { ListFilter } from "./listing.ts";
import { and, asc, desc, eq, gte, inArray, isNotNull, isNull, lt, sql } from "./orm.ts";
import type { Parts } from "./parts.ts";
import { ASSET_COLUMNS } from "./rows.ts";
import { assets, images, requests } from "./schema.ts";

/** Where a page of requests ended. */
export interface RequestCursor {
  created_at: number;
  request_id: string;
}

/** A page, and where the next one begins; null after the last. */
export interface Page<Item, Cursor> {
  items: Item[];
  next: Cursor | null;
}

/** Times in ms; null: not yet, or nothing. */
export interface AssetUpkeep {
  verified_at: number | null;
  fault: AssetFault | null;
  mirrored_at: number | null;
  erased_at: number | null;
}

/** `deleted`: only requests whose deletion was asked for; else none of them, as in the search. */
export type BrowseFilter = ListFilter & { deleted?: boolean | undefined };

/** What leafing through the catalog needs. */
export interface Browse {
  requests(
    filter: BrowseFilter,
    page: { after?: RequestCursor | undefined; limit: number },
  ): Page<RequestDetail, RequestCursor>;
  /** All whose bytes are to be in the store. The cursor is the place of an asset in the order in which assets were recorded. */
  assets(page: { after?: number | undefined; limit: number }): Page<Asset, number>;
  asset(digest: string): Asset | undefined;
  /** The assets whose digests begin with these hex digits, at most `limit` of them. */
  assetsLike(digits: string, limit: number): Asset[];
  /** What upkeep knows about an asset: when it was last proven, what was wrong then, when it was copied, and when it went. */
  upkeepOf(digest: string): AssetUpkeep | undefined;
  /** The requests that an asset belongs to, oldest first, at most `limit` of them. */
  imagesOf(digest: string, limit: number): { request_id: string; index: number }[];
  /** The states of these requests; an unknown id is missing from the answer. */
  states(ids: readonly string[]): Map<string, RequestState>;
  /** The newest request with this content that was accepted since then and has neither failed nor been cancelled. */
  findTwin(contentHash: string, sinceMs: number): string | undefined;
}

export function createBrowse(parts: Parts): Browse {
  return {
    requests: (filter, page) => pageOfRequests(parts, filter, page),
    assets: (page) => pageOfAssets(parts, page),
    asset: (digest) => parts.db.select(ASSET_COLUMNS).from(assets).where(eq(assets.digest, digest)).get(),
    assetsLike: (digits, limit) =>
      // a range, not a pattern: it uses the index of digests, and "g" comes after every hex digit
      parts.db
        .select(ASSET_COLUMNS)
        .from(assets)
        .where(and(gte(assets.digest, digits), lt(assets.digest, `${digits}g`)))
        .limit(limit)
        .all(),
    upkeepOf: (digest) => {
      const { verified_at, fault, mirrored_at, erased_at } = assets;
      const columns = { verified_at, fault, mirrored_at, erased_at };
      return parts.db.select(columns).from(assets).where(eq(assets.digest, digest)).get();
    },
    imagesOf: (digest, limit) => imagesOf(parts, digest, limit),
    states: (ids) => statesOf(parts, ids),
    findTwin: (contentHash, sinceMs) => findTwin(parts, contentHash, sinceMs),
  };
}

function pageOfRequests(
  parts: Parts,
  filter: BrowseFilter,
  { after, limit }: { after?: RequestCursor | undefined; limit: number },
): Page<RequestDetail, RequestCursor> {
  const { collection, deleted } = filter;
  const rows = parts.db
    .select({ request_id: requests.request_id, created_at: requests.created_at })
    .from(requests)
    .where(
      and(
        after && sql`(${requests.created_at}, ${requests.request_id}) < (${after.created_at}, ${after.request_id})`,
        deleted ? isNotNull(requests.deleted_at) : isNull(requests.deleted_at),
        isOf(parts, filter),
        collection === undefined ? undefined : eq(requests.collection, collection),
      ),
    )
    .orderBy(desc(requests.created_at), desc(requests.request_id))
    .limit(limit + 1)
    .all();
  const kept = rows.slice(0, limit);
  const items = kept.flatMap((row) => parts.reader.detail(row.request_id) ?? []);
  return { items, next: rows.length > limit ? (kept.at(-1) ?? null) : null };
}

/** So many requests of a state or a batch are sorted in some milliseconds; of more a page is full soon, in the order of age. */
const FEW = 20_000;

// the index by state or by batch leads to few, which are sorted then; with "+" out of its sight, SQLite goes by age
function isOf({ db }: Parts, { state, batch }: ListFilter): SQL | undefined {
  if (state === undefined && batch === undefined) return undefined;
  const is = (by: SQL) =>
    sql.join(
      [
        ...(state === undefined ? [] : [sql`${by}state = ${state}`]),
        ...(batch === undefined ? [] : [sql`${by}batch_id = ${batch}`]),
      ],
      sql` and `,
    );
  const { number } = db.get<{ number: number }>(
    sql`select count(*) as number from (select 1 from ${requests} where ${is(sql``)} limit ${FEW})`,
  );
  return is(number < FEW ? sql`` : sql`+`);
}

// SQLite numbers the rows as they come, so the newest assets are found without an index of their own
const { place } = assets;

function pageOfAssets(
  parts: Parts,
  { after, limit }: { after?: number | undefined; limit: number },
): Page<Asset, number> {
  const rows = parts.db
    .select({ asset: ASSET_COLUMNS, place })
    .from(assets)
    .where(and(isNull(assets.erased_at), after === undefined ? undefined : lt(place, after)))
    .orderBy(desc(place))
    .limit(limit + 1)
    .all();
  const kept = rows.slice(0, limit);
  return {
    items: kept.map(({ asset }) => asset),
    next: rows.length > limit ? (kept.at(-1)?.place ?? null) : null,
  };
}

function imagesOf(parts: Parts, digest: string, limit: number): { request_id: string; index: number }[] {
  return parts.db
    .select({ request_id: images.request_id, index: images.index })
    .from(images)
    .where(eq(images.asset_place, placeOf(digest)))
    .orderBy(asc(images.archived_at), asc(images.request_id), asc(images.index))
    .limit(limit)
    .all();
}

/** Variables in one statement; SQLite allows more, but a page of this size takes a fraction of a millisecond. */
const IDS_AT_ONCE = 500;

function statesOf(parts: Parts, ids: readonly string[]): Map<string, RequestState> {
  const states = new Map<string, RequestState>();
  for (let from = 0; from < ids.length; from += IDS_AT_ONCE) {
    const rows = parts.db
      .select({ request_id: requests.request_id, state: requests.state })
      .from(requests)
      .where(inArray(requests.request_id, ids.slice(from, from + IDS_AT_ONCE)))
      .all();
    for (const row of rows) states.set(row.request_id, row.state);
  }
  return states;
}

function findTwin(parts: Parts, contentHash: string, sinceMs: number): string | undefined {
  return parts.db
    .select({ request_id: requests.request_id })
    .from(requests)
    .where(
      and(
        sql`${requests.created_at} >= ${sinceMs}`,
        eq(requests.content_hash, contentHash),
        isNull(requests.deleted_at),
        // with "+" out of sight of the index by state, which would lead through nearly all there are
        sql`+${requests.state} in ('queued', 'generating', 'copying', 'archived', 'parked')`,
      ),
    )
    .orderBy(desc(requests.created_at))
    .limit(1)
    .get()?.request_id;
}
