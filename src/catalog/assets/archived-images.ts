// Every archived image that fits a search, with the recipe that made it, page by page: what exports are made of.

import type { ArchivedImage, AssetFault, RequestRecord } from "../../domain/records.ts";
import type { CatalogContext } from "../context.ts";
import { and, asc, count, eq, inArray, sql } from "../db/orm.ts";
import { pagesOfRequests } from "../requests/listing.ts";
import { ASSET_COLUMNS, IMAGE_COLUMNS, toRequestRecord } from "../requests/rows.ts";
import { assets, calls, generations, images } from "../schema/requests.ts";
import { assetConditions, findFew, type SearchFilter, toConditions } from "../search/filter.ts";
import type { Search, SearchQuery } from "../search/search.ts";

/** As many requests as one page of a search may hold while it is still a short read. */
const PAGE = 500;

/** Where a filter leaves so few requests, the others are not walked through. */
const FEW = 2_000;

/**
 * A line for each asset of each request, in the order of acceptance; of one batch in the order of its manifest. What is asked of images (type, size, digest) holds for
 * each of them. Requests whose deletion was asked for are left out: their bytes may go while somebody works with the list.
 */
export function* listArchivedImages(
  context: CatalogContext,
  { query = {}, search }: { query?: SearchQuery | undefined; search: Search },
): Generator<ArchivedImage> {
  const { text = "", ...rest } = query;
  const filter = { ...rest, deleted: undefined };
  const bySearch = text.trim() !== "" || filter.batch !== undefined;
  const pages = bySearch ? pagesOfSearch({ ...filter, text }, search) : pagesOfFilter(context, filter);
  for (const page of pages) yield* imagesOf(context, page, filter);
}

function* pagesOfFilter(context: CatalogContext, filter: SearchFilter): Generator<RequestRecord[]> {
  for (const page of pagesOfRequests(context, { where: toConditions(filter), among: findFew(context, filter, FEW) }))
    yield page.map(toRequestRecord);
}

function* pagesOfSearch(query: SearchQuery, search: Search): Generator<RequestRecord[]> {
  const sort = query.batch === undefined ? "oldest" : "manifest";
  let cursor: string | undefined;
  do {
    const page = search(query, { sort, limit: PAGE, cursor });
    yield page.items.map(({ request }) => request);
    cursor = page.next ?? undefined;
  } while (cursor !== undefined);
}

function* imagesOf(
  context: CatalogContext,
  page: readonly RequestRecord[],
  filter: SearchFilter,
): Generator<ArchivedImage> {
  const ids = page.map(({ request_id }) => request_id);
  const byRequest = Map.groupBy(readImages(context, ids, filter), (row) => row.image.request_id);
  const numberOfCalls = countCalls(context, ids);
  for (const request of page) {
    for (const { image, asset, api_created, fault } of byRequest.get(request.request_id) ?? []) {
      const archived_at = image.archived_at ?? asset.archived_at;
      const calls = numberOfCalls.get(request.request_id) ?? 0;
      yield { request, index: image.index, asset, api_created, archived_at, calls, fault };
    }
  }
}

/** Bytes that were removed on purpose while a request still names them are as good as lost. */
const FAULT = sql<AssetFault | null>`coalesce(${assets.fault}, case when ${assets.erased_at} is not null then 'missing' end)`;

function readImages({ db }: CatalogContext, ids: string[], filter: SearchFilter) {
  const wanted = assetConditions(filter);
  const fits = wanted && sql`exists (select 1 from assets a where a.asset_id = ${assets.asset_id} and ${wanted})`;
  return db
    .select({
      image: IMAGE_COLUMNS,
      asset: ASSET_COLUMNS,
      api_created: generations.api_created,
      fault: FAULT,
    })
    .from(images)
    .innerJoin(assets, eq(assets.asset_id, images.asset_id))
    .leftJoin(
      generations,
      and(eq(generations.request_id, images.request_id), eq(generations.call_number, images.call_number)),
    )
    .where(and(inArray(images.request_id, ids), fits))
    .orderBy(asc(images.index))
    .all();
}

function countCalls({ db }: CatalogContext, ids: string[]): Map<string, number> {
  const called = db
    .select({ request_id: calls.request_id, number: count() })
    .from(calls)
    .where(inArray(calls.request_id, ids))
    .groupBy(calls.request_id)
    .all();
  return new Map(called.map((row) => [row.request_id, row.number]));
}
