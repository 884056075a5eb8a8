// Walks through the catalog page by page, so that nothing of a million rows is held at once and writers are never kept waiting.
import type { SQL } from "drizzle-orm";
import type { RequestState } from "../pipeline/records.ts";
import { asc, sql } from "./orm.ts";
import type { Parts } from "./parts.ts";
import type { RequestRow } from "./rows.ts";
import { requests } from "./schema.ts";

const PAGE = 500;

export interface ListFilter {
  state?: RequestState;
  collection?: string;
  batch?: string;
}

/** The requests in the order of their acceptance, oldest first; those that were deleted, too. */
export function* listRequests(parts: Parts, { state, collection, batch }: ListFilter = {}): Generator<RequestRow> {
  const wanted = [
    ...(state === undefined ? [] : [sql`r.state = ${state}`]),
    ...(collection === undefined ? [] : [sql`r.collection = ${collection}`]),
    ...(batch === undefined ? [] : [sql`r.batch_id = ${batch}`]),
  ];
  const where = wanted.length === 0 ? sql`true` : sql.join(wanted, sql` and `);
  for (const page of pagesOfRequests(parts, { where })) yield* page;
}

export interface Walk {
  /** Conditions on `requests r`. */
  where: SQL;
  /** The only requests that can fit, where they are known to be few. */
  among?: readonly string[] | undefined;
}

/** The requests that fit, oldest first, in pages. None is empty. */
export function* pagesOfRequests(parts: Parts, walk: Walk): Generator<RequestRow[]> {
  let after: { created_at: number; request_id: string } | undefined;
  for (;;) {
    const page = pageOfRequests(parts, walk, after);
    if (page.length > 0) yield page;
    after = page.at(-1);
    if (page.length < PAGE) return;
  }
}

function pageOfRequests(
  { db }: Parts,
  { where, among }: Walk,
  after: { created_at: number; request_id: string } | undefined,
): RequestRow[] {
  // in the order of the index by age: sorted by another one, a million rows would be sorted anew for each page
  const source =
    among === undefined
      ? sql`requests r indexed by requests_by_age`
      : sql`json_each(${JSON.stringify(among)}) e cross join requests r on r.request_id = e.value`;
  const later =
    after === undefined ? sql`true` : sql`(r.created_at, r.request_id) > (${after.created_at}, ${after.request_id})`;
  const ids = db.all<{ request_id: string }>(sql`select r.request_id from ${source} where ${later} and ${where}
    order by r.created_at, r.request_id limit ${PAGE}`);
  return rowsOf(
    { db },
    ids.map((row) => row.request_id),
  );
}

/** These requests, oldest first. */
export function rowsOf({ db }: Pick<Parts, "db">, ids: readonly string[]): RequestRow[] {
  return db
    .select()
    .from(requests)
    .where(sql`${requests.request_id} in (select value from json_each(${JSON.stringify(ids)}))`)
    .orderBy(asc(requests.created_at), asc(requests.request_id))
    .all();
}
