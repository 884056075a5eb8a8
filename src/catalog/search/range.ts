// Which numbers of requests a search has to look at, as one range: the full-text index goes by a single bound on each
// side, and with two on one side it may take the wider one, and walk a million texts to leave out all but a few.
import type { SQL } from "drizzle-orm";
import type { CatalogContext } from "../context.ts";
import { sql } from "../db/orm.ts";
import type { SearchFilter } from "./filter.ts";

/** Both ends included; what is left out is open. */
export interface RowRange {
  first?: number | undefined;
  last?: number | undefined;
}

/** What lies in all of them. */
export function intersect(...ranges: readonly RowRange[]): RowRange {
  const firsts = ranges.flatMap(({ first }) => (first === undefined ? [] : [first]));
  const lasts = ranges.flatMap(({ last }) => (last === undefined ? [] : [last]));
  return {
    first: firsts.length === 0 ? undefined : Math.max(...firsts),
    last: lasts.length === 0 ? undefined : Math.min(...lasts),
  };
}

/** The range as a condition on the column `row_number`. */
export function within(row_number: SQL, { first, last }: RowRange): SQL {
  const above = first === undefined ? [] : [sql`${row_number} >= ${first}`];
  const below = last === undefined ? [] : [sql`${row_number} <= ${last}`];
  return above.length + below.length === 0 ? sql`true` : sql.join([...above, ...below], sql` and `);
}

/** A clock that is set, or another machine's: so far the order of acceptance and the times may disagree, in ms. */
const SKEW_MS = 10 * 60_000;

/** What was accepted in a span of time has neighbouring numbers: the index need not be walked outside of them. */
export function rowsBetween(context: CatalogContext, { from, to }: Pick<SearchFilter, "from" | "to">): RowRange {
  const edge = (condition: SQL, order: SQL) =>
    context.db.get<
      { row_number: number } | undefined
    >(sql`select r.row_number from requests r indexed by requests_by_age where ${condition}
      order by r.created_at ${order}, r.request_id ${order} limit 1`)?.row_number;
  return {
    first: from === undefined ? undefined : edge(sql`r.created_at >= ${from - SKEW_MS}`, sql`asc`),
    last: to === undefined ? undefined : edge(sql`r.created_at < ${to + SKEW_MS}`, sql`desc`),
  };
}
