// Walks through the catalog page by page, so that nothing of a million rows is held at once and writers are never kept waiting.
import type { SQL } from "drizzle-orm";
import type { RequestState } from "../../domain/records.ts";
import { isInBatch } from "../batches/manifest-order.ts";
import type { CatalogContext } from "../context.ts";
import { asc, sql } from "../db/orm.ts";
import { requests } from "../schema/requests.ts";
import type { RequestRow } from "./rows.ts";

const PAGE = 500;

export interface ListFilter {
  state?: RequestState;
  collection?: string;
  batch?: string;
}

/** The requests in the order of acceptance; those that were deleted as well. */
export function* listRequests(
  context: CatalogContext,
  { state, collection, batch }: ListFilter = {},
): Generator<RequestRow> {
  const wanted = [
    ...(state === undefined ? [] : [sql`r.state = ${state}`]),
    ...(collection === undefined ? [] : [sql`r.collection = ${collection}`]),
    ...(batch === undefined ? [] : [isInBatch(batch)]),
  ];
  const where = wanted.length === 0 ? sql`true` : sql.join(wanted, sql` and `);
  for (const page of pagesOfRequests(context, { where })) yield* page;
}

export interface Walk {
  /** Conditions on `requests r`. */
  where: SQL;
  /** The only requests that can fit, where they are known to be few. */
  among?: readonly string[] | undefined;
}

/** The requests that fit, in the order of acceptance, in pages. None is empty. */
export function* pagesOfRequests(context: CatalogContext, walk: Walk): Generator<RequestRow[]> {
  let after = Number.MIN_SAFE_INTEGER;
  for (;;) {
    const page = pageOfRequests(context, walk, after);
    if (page.length > 0) yield page;
    after = page.at(-1)?.row_number ?? after;
    if (page.length < PAGE) return;
  }
}

// by their numbers and not by their times: all items of a manifest may be of one millisecond
function pageOfRequests({ db }: CatalogContext, { where, among }: Walk, after: number): RequestRow[] {
  const source =
    among === undefined
      ? sql`requests r not indexed`
      : sql`json_each(${JSON.stringify(among)}) e cross join requests r on r.request_id = e.value`;
  const numbers = db.all<{
    row_number: number;
  }>(sql`select r.row_number from ${source} where r.row_number > ${after} and ${where}
    order by r.row_number limit ${PAGE}`);
  return rowsOf(
    { db },
    numbers.map(({ row_number }) => row_number),
  );
}

/** The requests of these numbers, in the order of acceptance. */
export function rowsOf({ db }: Pick<CatalogContext, "db">, numbers: readonly number[]): RequestRow[] {
  return db
    .select()
    .from(requests)
    .where(sql`${requests.row_number} in (select value from json_each(${JSON.stringify(numbers)}))`)
    .orderBy(asc(requests.row_number))
    .all();
}
