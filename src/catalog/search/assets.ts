// Pages of assets: those that fit by themselves, and those of requests that fit. Each asset comes once, however many requests
// share it, and an asset that somebody reuses meanwhile moves nothing.
import type { SQL } from "drizzle-orm";
import { z } from "zod";
import type { Asset } from "../../domain/records.ts";
import { assetIdOf } from "../assets/assets.ts";
import type { CatalogContext } from "../context.ts";
import { eq, sql } from "../db/orm.ts";
import { ASSET_COLUMNS } from "../requests/rows.ts";
import { assets, images, requests } from "../schema/requests.ts";
import { invalidCursor, readCursor, toCursor } from "./cursor.ts";
import { assetConditions, type SearchFilter, toConditions } from "./filter.ts";
import type { SearchHit } from "./hits.ts";
import { matches, type Search, type SearchOptions, type SearchPage, type SearchQuery } from "./search.ts";
import { parseTerms } from "./terms.ts";

export interface AssetPage {
  items: Asset[];
  /** The cursor of the next page; null after the last asset. A page may hold fewer than asked for and yet have a next one. */
  next: string | null;
  /** As in SearchPage. */
  complete: boolean;
}

/** Throws a RejectedError for words or a cursor that cannot be used. */
export type SearchAssets = (query: SearchQuery, options: SearchOptions & { limit: number }) => AssetPage;

/** Where a page ended: behind an asset in the order of recording, or behind an image of a hit of a search. */
const place = z.union([
  z.object({ place: z.int().min(0) }),
  z.object({ search: z.string().nullable(), index: z.int().min(-1) }),
]);

/** So many requests are looked at for one page: those that share an asset with an older one bring nothing. */
const HITS_MAX = 1_000;
/** An image of more than so many requests: those of them are asked first. */
const SIBLINGS = 50;

export function createAssetSearch(context: CatalogContext, search: Search): SearchAssets {
  return (query, { sort, limit, cursor }) => {
    const name = { assets: query, sort };
    const after = cursor === undefined ? undefined : readCursor(cursor, name, place);
    if (asksOfRequests(query)) {
      if (after !== undefined && "place" in after) throw invalidCursor("it is of another list");
      return pageOfHits(context, search, { query, sort, limit, after, name });
    }
    if (after !== undefined && !("place" in after)) throw invalidCursor("it is of another list");
    return pageOfAssets(context, { query, sort, limit, after, name });
  };
}

/** What is asked of the assets alone. */
const OF_ASSETS: readonly (keyof SearchQuery)[] = [
  "digest",
  "content_type",
  "minBytes",
  "maxBytes",
  "minWidth",
  "maxWidth",
  "minHeight",
  "maxHeight",
];

function asksOfRequests(query: SearchQuery): boolean {
  const { tags, text, ...rest } = query;
  const asked = Object.entries(rest).filter(([, value]) => value !== undefined && value !== false);
  return (
    (tags?.length ?? 0) > 0 ||
    (text ?? "").trim() !== "" ||
    asked.some(([field]) => !OF_ASSETS.includes(field as keyof SearchQuery))
  );
}

interface Page {
  query: SearchQuery;
  sort: SearchOptions["sort"];
  limit: number;
  name: object;
}

/** In the order of recording: SQLite numbers the rows as they come. Images that a rebuild took in have no request. */
function pageOfAssets(
  context: CatalogContext,
  { query, sort, limit, after, name }: Page & { after: { place: number } | undefined },
): AssetPage {
  const [beyond, order] = sort === "oldest" ? [sql`>`, sql`asc`] : [sql`<`, sql`desc`];
  const conditions = [
    sql`a.erased_at is null`,
    sql`(not exists (select 1 from ${images} i where i.asset_id = a.asset_id) or exists (select 1 from ${images} i
      join ${requests} r on r.request_id = i.request_id where i.asset_id = a.asset_id and r.deleted_at is null))`,
    ...present(assetConditions(query)),
    ...(after === undefined ? [] : [sql`a.rowid ${beyond} ${after.place}`]),
  ];
  const rows = context.db.all<Asset & { place: number }>(sql`select a.rowid as place, a.digest, a.key, a.bytes,
      a.content_type, a.width, a.height, a.archived_at
    from ${assets} a where ${sql.join(conditions, sql` and `)} order by a.rowid ${order} limit ${limit + 1}`);
  const kept = rows.slice(0, limit);
  const last = kept.at(-1);
  const next = rows.length > limit && last !== undefined ? toCursor(name, { place: last.place }) : null;
  return { items: kept.map(({ place: _, ...asset }) => asset), next, complete: true };
}

function present(condition: SQL | undefined): SQL[] {
  return condition === undefined ? [] : [condition];
}

/** Behind an image of the first request of a page of the search; -1: before all of them. */
interface HitPlace {
  search: string | null;
  index: number;
}

type Hits = Page & { after: HitPlace | undefined };

/** In the order of the search, each under the first request that brought it. */
function pageOfHits(context: CatalogContext, search: Search, { query, sort, limit, after, name }: Hits): AssetPage {
  const items: Asset[] = [];
  let at: HitPlace | null = after ?? { search: null, index: -1 };
  let complete = true;
  for (let hits = 0; at !== null && items.length < limit && hits < HITS_MAX; ) {
    // a request has four images at most, so that none of these pages ends inside a request but one of a single request
    const few = at.index >= 0 ? 1 : Math.max(1, Math.floor((limit - items.length) / IMAGES_MAX));
    const page: SearchPage = search(query, { sort, limit: few, cursor: at.search ?? undefined });
    complete &&= page.complete;
    hits += page.items.length;
    const seen: number = at.index;
    const found = page.items.flatMap((hit) => assetsOf(context, { hit, query, beyond: seen }));
    const taken = found.slice(0, limit - items.length);
    items.push(...taken.map(({ asset }) => asset));
    const last = taken.at(-1);
    if (taken.length < found.length && last !== undefined) at = { search: at.search, index: last.index };
    else at = page.next === null ? null : { search: page.next, index: -1 };
  }
  return { items, next: at === null ? null : toCursor(name, at), complete };
}

const IMAGES_MAX = 4;

interface OfHit {
  hit: SearchHit;
  query: SearchQuery;
  /** Images up to this index were on the page before. */
  beyond: number;
}

function assetsOf(context: CatalogContext, { hit, query, beyond }: OfHit): { asset: Asset; index: number }[] {
  const own = hit.assets.filter(({ index, digest }, at) => {
    return index > beyond && hit.assets.findIndex((other) => other.digest === digest) === at;
  });
  return own.flatMap(({ index, digest }) => {
    const asset = findAsset(context, digest, query);
    if (asset === undefined || isOfOlder(context, { requestId: hit.request.request_id, digest, query })) return [];
    return [{ asset, index }];
  });
}

function findAsset({ db }: CatalogContext, digest: string, filter: SearchFilter): Asset | undefined {
  const { digest: prefix, content_type, minBytes, maxBytes, minWidth, maxWidth, minHeight, maxHeight } = filter;
  const within = (value: number, min = 0, max = Number.POSITIVE_INFINITY) => value >= min && value <= max;
  const asset = db
    .select(ASSET_COLUMNS)
    .from(assets)
    .where(sql`${eq(assets.digest, digest)} and ${assets.erased_at} is null`)
    .get();
  if (asset === undefined) return undefined;
  const fits =
    asset.digest.startsWith(prefix ?? "") &&
    asset.content_type === (content_type ?? asset.content_type) &&
    within(asset.bytes, minBytes, maxBytes) &&
    within(asset.width, minWidth, maxWidth) &&
    within(asset.height, minHeight, maxHeight);
  return fits ? asset : undefined;
}

// the oldest request that fits shows the asset: a newer one, which may come at any time, then changes nothing
function isOfOlder(context: CatalogContext, of: { requestId: string; digest: string; query: SearchQuery }): boolean {
  const { text = "", ...filter } = of.query;
  const terms = parseTerms(text);
  const older = context.db.all<{ prompt: string | null; negative_prompt: string | null }>(sql`
    select r.prompt, r.negative_prompt from ${images} i
    join ${requests} r on r.request_id = i.request_id
    where i.asset_id = ${assetIdOf(of.digest)} and r.row_number < (select row_number from ${requests} where request_id = ${of.requestId})
      and ${toConditions(filter)} limit ${SIBLINGS}`);
  return older.some((row) => matches(row, terms));
}
