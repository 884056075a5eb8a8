// Walks through the catalog page by page, so that nothing of a million rows is held at once and writers are never kept waiting.
import { and, asc, count, eq, exists, gt, inArray, isNull, or, sql } from "drizzle-orm";
import type { Asset, RequestDetail, RequestState } from "../pipeline/records.ts";
import { isNotHeld } from "./budget.ts";
import type { Parts } from "./parts.ts";
import { ASSET_COLUMNS, type RequestRow, toRequestRecord } from "./rows.ts";
import { assets, calls, generations, images, requests } from "./schema.ts";
import { batches } from "./schema-batches.ts";

const PAGE = 500;

export interface ListFilter {
  state?: RequestState;
  collection?: string;
  batch?: string;
}

/** The requests in the order of their acceptance, oldest first. */
export function* listRequests(parts: Parts, filter: ListFilter = {}): Generator<RequestRow> {
  let after: { created_at: number; request_id: string } | undefined;
  for (;;) {
    const page = pageOfRequests(parts, filter, after);
    yield* page;
    after = page.at(-1);
    if (page.length < PAGE) return;
  }
}

function pageOfRequests(
  parts: Parts,
  filter: ListFilter,
  after: { created_at: number; request_id: string } | undefined,
): RequestRow[] {
  const later =
    after &&
    or(
      gt(requests.created_at, after.created_at),
      and(eq(requests.created_at, after.created_at), gt(requests.request_id, after.request_id)),
    );
  const wanted = [
    filter.state && eq(requests.state, filter.state),
    filter.collection && eq(requests.collection, filter.collection),
    filter.batch && eq(requests.batch_id, filter.batch),
  ];
  const where = and(later, ...wanted.map((condition) => condition || undefined));
  return parts.db
    .select()
    .from(requests)
    .where(where)
    .orderBy(asc(requests.created_at), asc(requests.request_id))
    .limit(PAGE)
    .all();
}

/** One archived image of one request, with the recipe that made it. */
export interface ArchivedImage {
  request: ReturnType<typeof toRequestRecord>;
  index: number;
  asset: Asset;
  api_created: number | null;
  archived_at: number;
  calls: number;
}

/** A line for each asset of each request, in the order of acceptance. */
export function* listArchivedImages(parts: Parts, filter: ListFilter = {}): Generator<ArchivedImage> {
  let page: RequestRow[] = [];
  for (const row of listRequests(parts, filter)) {
    // its bytes may be gone already, or go while somebody works with the list
    if (row.deleted_at !== null) continue;
    page.push(row);
    if (page.length < PAGE) continue;
    yield* imagesOf(parts, page);
    page = [];
  }
  yield* imagesOf(parts, page);
}

function* imagesOf(parts: Parts, rows: RequestRow[]): Generator<ArchivedImage> {
  const byId = new Map(rows.map((row) => [row.request_id, row]));
  const ids = [...byId.keys()];
  const made = parts.db
    .select({ image: images, asset: ASSET_COLUMNS, api_created: generations.api_created })
    .from(images)
    .innerJoin(assets, eq(assets.digest, images.digest))
    .leftJoin(
      generations,
      and(eq(generations.request_id, images.request_id), eq(generations.call_number, images.call_number)),
    )
    .where(inArray(images.request_id, ids))
    .orderBy(asc(images.index))
    .all();
  const called = parts.db
    .select({ request_id: calls.request_id, number: count() })
    .from(calls)
    .where(inArray(calls.request_id, ids))
    .groupBy(calls.request_id)
    .all();
  const numberOfCalls = new Map(called.map((row) => [row.request_id, row.number]));
  const byRequest = Map.groupBy(made, (row) => row.image.request_id);
  for (const [id, row] of byId) {
    const request = toRequestRecord(row);
    for (const { image, asset, api_created } of byRequest.get(id) ?? []) {
      const archived_at = image.archived_at ?? asset.archived_at;
      yield { request, index: image.index, asset, api_created, archived_at, calls: numberOfCalls.get(id) ?? 0 };
    }
  }
}

/**
 * Unfinished requests that may go on now, for putting back into the queues what they lack: because Redis lost it, or
 * because their batch was held and is so no more. Pages of ids, oldest change first.
 */
export function* listUnfinished(
  parts: Parts,
): Generator<
  (Pick<RequestDetail["request"], "request_id" | "job_id" | "state" | "batch_id"> & { expires_at: number | null })[]
> {
  for (const state of ["copying", "generating", "queued"] as const) {
    let after = { updated_at: 0, rowid: 0 };
    for (;;) {
      const page = pageOfUnfinished(parts, state, after);
      if (page.length > 0) yield page;
      after = page.at(-1) ?? after;
      if (page.length < PAGE) break;
    }
  }
}

// in the order of the index by state: a million rows are not sorted anew for each page
function pageOfUnfinished(parts: Parts, state: RequestState, after: { updated_at: number; rowid: number }) {
  const later = sql`(${requests.updated_at}, requests.rowid) > (${after.updated_at}, ${after.rowid})`;
  return parts.db
    .select({
      request_id: requests.request_id,
      job_id: requests.job_id,
      state: requests.state,
      batch_id: requests.batch_id,
      /** When the first URL dies whose image is neither archived nor on disk. */
      expires_at: sql<number | null>`(select min(${images.expires_at}) from ${images}
        where ${images.request_id} = ${requests.request_id} and digest is null and spool_file is null)`,
      updated_at: requests.updated_at,
      rowid: sql<number>`requests.rowid`,
    })
    .from(requests)
    .leftJoin(batches, eq(batches.batch_id, requests.batch_id))
    .where(and(eq(requests.state, state), later, state === "copying" ? undefined : isNotHeld(parts.now())))
    .orderBy(asc(requests.updated_at), asc(sql`requests.rowid`))
    .limit(PAGE)
    .all();
}

/** Requests that ended otherwise than archived, with calls on record, whose sidecar the store lacks; a page, oldest first. */
export function listUnsealed(parts: Parts): string[] {
  const called = parts.db.select({ one: calls.number }).from(calls).where(eq(calls.request_id, requests.request_id));
  return parts.db
    .select({ request_id: requests.request_id })
    .from(requests)
    .where(and(inArray(requests.state, ["failed", "parked", "cancelled"]), isNull(requests.sidecar_at), exists(called)))
    .limit(PAGE)
    .all()
    .map((row) => row.request_id);
}
