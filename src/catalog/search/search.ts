// Search: words over prompts, filters over everything, a page at a time. One page is one short read, also among millions.
import type { SQL } from "drizzle-orm";
import { RejectedError } from "../../domain/errors.ts";
import {
  hasExistingItems,
  listInManifestOrder,
  MANIFEST_START,
  type ManifestPosition,
  placeIn,
} from "../batches/manifest-order.ts";
import type { CatalogContext } from "../context.ts";
import { sql } from "../db/orm.ts";
import type { Write } from "../db/writer.ts";
import { type Position, parseCursor, toCursor } from "./cursor.ts";
import { findFew, type SearchFilter, toConditions, toFacets } from "./filter.ts";
import { createHitReader, type SearchHit } from "./hits.ts";
import { countUnindexed, createCatchUp, indexedUpTo } from "./index.ts";
import { intersect, type RowRange, rowsBetween, within } from "./range.ts";
import { type Candidate, rank, toWeight } from "./rank.ts";
import { countTerm, parseTerms, type Term, toMatch, toTermMatch } from "./terms.ts";
import { toFacetWords, toWords } from "./text.ts";

/** The order of hits. By relevance only where words are given; in the order of the manifest only within one batch. */
export type SearchSort = "relevance" | "newest" | "oldest" | "manifest";

/** Filters, and words for the prompts (see search-terms.ts for what may be typed). */
export interface SearchQuery extends SearchFilter {
  text?: string | undefined;
}

export interface SearchPage {
  items: SearchHit[];
  /** The cursor of the next page; null after the last hit. */
  next: string | null;
  /** False while so much has just been accepted that words of it may not be found yet; the index is being filled. */
  complete: boolean;
}

export interface SearchOptions {
  /** Default: by relevance where words are given, within a batch in the order of its manifest, else the newest first. */
  sort?: SearchSort | undefined;
  /** Default 50, at most 1,000. */
  limit?: number | undefined;
  cursor?: string | undefined;
}

/** Throws a RejectedError for words or a cursor that cannot be used. */
export type Search = (query: SearchQuery, options?: SearchOptions) => SearchPage;

const LIMIT = 50;
const LIMIT_MAX = 1_000;
/** Ranked at once: the newest so many matches. With fewer matches than that, all of them. */
const WINDOW = 200;
/** Where a filter leaves so few requests, they are looked at one by one. */
const FEW = 200;
/** Requests that the index does not hold yet are looked at one by one, up to so many. */
const TAIL = 300;
/** Matches of one word are counted up to here: above it the word is common, however common. */
const COUNTED_MAX = 2_000;

interface Asked {
  filter: SearchFilter;
  terms: Term[];
  match: string;
  sort: SearchSort;
  limit: number;
  after: Position | undefined;
}

interface Found {
  hits: { request_id: string; at: Position }[];
  more: boolean;
}

export function createSearch(context: CatalogContext, write: Write): Search {
  const catchUp = createCatchUp(context, write);
  const readHits = createHitReader(context.db);
  return (query, options = {}) => {
    const asked = toAsked(context, query, options);
    const { hits, more } = find(context, asked);
    const last = hits.at(-1);
    const complete = asked.match === "" || countUnindexed(context, TAIL + 1) <= TAIL;
    if (!complete) catchUp();
    const ids = hits.map((hit) => hit.request_id);
    const next = more && last !== undefined ? toCursor({ query, sort: asked.sort }, last.at) : null;
    return { items: readHits(ids), next, complete };
  };
}

function toAsked(context: CatalogContext, query: SearchQuery, options: SearchOptions): Asked {
  const { text = "", ...filter } = query;
  const terms = parseTerms(text);
  const sort = options.sort === undefined || options.sort === "relevance" ? byDefault(terms, filter) : options.sort;
  if (sort === "manifest" && filter.batch === undefined) throw withoutBatch();
  return {
    filter,
    terms,
    match: toMatch(terms, { facets: toFacetWords(facetsOf(context, filter)), whole: filter }),
    sort,
    limit: Math.min(Math.max(options.limit ?? LIMIT, 1), LIMIT_MAX),
    after: options.cursor === undefined ? undefined : parseCursor(options.cursor, { query, sort }),
  };
}

function byDefault(terms: readonly Term[], { batch }: SearchFilter): SearchSort {
  if (terms.length > 0) return "relevance";
  return batch === undefined ? "newest" : "manifest";
}

// the index knows of each request the batch that it belongs to, and not those that only name it
function facetsOf(context: CatalogContext, filter: SearchFilter) {
  const { batch } = filter;
  return toFacets(batch !== undefined && hasExistingItems(context, batch) ? { ...filter, batch: undefined } : filter);
}

function withoutBatch(): RejectedError {
  const message = "manifest is the order within one batch: expected a batch";
  return new RejectedError(`sort: ${message}`, { code: "invalid_request", faults: [{ field: "sort", message }] });
}

function find(context: CatalogContext, asked: Asked): Found {
  if (asked.sort === "relevance") return findByRank(context, asked);
  if (asked.sort === "manifest") return findInManifest(context, asked, asked.filter.batch ?? "");
  const { after, sort, limit } = asked;
  const order = sort === "oldest" ? sql`asc` : sql`desc`;
  const rows = candidates(context, asked, { range: beyond(sort, after), order, limit: limit + 1 });
  return toFound(rows, limit, ({ row_number }) => ({ by: "row", row_number }));
}

function beyond(sort: SearchSort, after: Position | undefined): RowRange {
  if (after?.by !== "row") return {};
  return sort === "oldest" ? { first: after.row_number + 1 } : { last: after.row_number - 1 };
}

/** Items of a batch are read in these steps. */
const ITEMS = 500;

type Placed = Candidate & ManifestPosition;

/** In the order of the manifest. Words are compared one by one: of a batch there are few to read for a page. */
function findInManifest(context: CatalogContext, asked: Asked, batch: string): Found {
  const { limit } = asked;
  let after: ManifestPosition = asked.after?.by === "item" ? asked.after : MANIFEST_START;
  const few = findFew(context, asked.filter, FEW);
  const rows =
    few === undefined ? [] : placedAmong(context, { asked, batch, few }).filter((row) => isBehind(row, after));
  while (few === undefined && rows.length <= limit) {
    const items = listInManifestOrder(context, batch, { after, limit: ITEMS });
    rows.push(...placedAt(context, asked, items));
    after = items.at(-1) ?? after;
    if (items.length < ITEMS) break;
  }
  return toFound(rows, limit, ({ item, row_number }) => ({ by: "item", item, row_number }));
}

function placedAmong(
  context: CatalogContext,
  { asked, batch, few }: { asked: Asked; batch: string; few: readonly string[] },
) {
  const rows =
    context.db.all<Placed>(sql`select r.row_number, r.request_id, r.prompt, r.negative_prompt, ${placeIn(batch)} as item
    from json_each(${JSON.stringify(few)}) e cross join requests r on r.request_id = e.value
    where ${toConditions(asked.filter)}`);
  return rows
    .filter((row) => matches(row, asked.terms))
    .toSorted((a, b) => a.item - b.item || a.row_number - b.row_number);
}

function placedAt(context: CatalogContext, { filter, terms }: Asked, items: readonly ManifestPosition[]): Placed[] {
  const numbers = JSON.stringify(items.map(({ row_number }) => row_number));
  const rows = context.db.all<Candidate>(sql`select r.row_number, r.request_id, r.prompt, r.negative_prompt
    from json_each(${numbers}) e cross join requests r on r.row_number = e.value
    where ${toConditions({ ...filter, batch: undefined })}`);
  const fitting = new Map(rows.filter((row) => matches(row, terms)).map((row) => [row.row_number, row]));
  return items.flatMap((position) => {
    const row = fitting.get(position.row_number);
    return row === undefined ? [] : [{ ...row, item: position.item }];
  });
}

function isBehind({ item, row_number }: ManifestPosition, after: ManifestPosition): boolean {
  return item > after.item || (item === after.item && row_number > after.row_number);
}

/** The newest matches, best first; then, window by window, the older ones. */
function findByRank(context: CatalogContext, asked: Asked): Found {
  const after = asked.after?.by === "rank" ? asked.after : undefined;
  const weights = after?.weights ?? weigh(context, asked.terms);
  const top = after?.top ?? newestDoc(context);
  const window = windowBelow(context, asked, top);
  const found = sliceRanked(window, { asked, top, weights });
  const oldest = window.at(-1);
  if (found.more || window.length < WINDOW || oldest === undefined) return found;
  // this window ends here: what it lacks to a full page comes from the next, and that may well be empty
  const next: Position = { by: "rank", top: oldest.row_number - 1, last: 0, seen: 0, weights };
  if (found.hits.length === asked.limit) {
    const last = found.hits.at(-1);
    const more = windowBelow(context, asked, next.top).length > 0;
    return { hits: last === undefined ? [] : [...found.hits.slice(0, -1), { ...last, at: next }], more };
  }
  const rest = findByRank(context, { ...asked, after: next, limit: asked.limit - found.hits.length });
  return { hits: [...found.hits, ...rest.hits], more: rest.more };
}

function windowBelow(context: CatalogContext, asked: Asked, top: number): Candidate[] {
  return candidates(context, asked, { range: { last: top }, order: sql`desc`, limit: WINDOW });
}

function sliceRanked(window: readonly Candidate[], options: { asked: Asked; top: number; weights: number[] }): Found {
  const { asked, top, weights } = options;
  const ranked = rank(window, { terms: asked.terms, weights });
  const after = asked.after?.by === "rank" ? asked.after : undefined;
  const seen = after === undefined || after.seen === 0 ? 0 : placeAfter(ranked, after);
  const page = ranked
    .slice(seen, seen + asked.limit + 1)
    .map((candidate, at) => ({ ...candidate, seen: seen + at + 1 }));
  return toFound(page, asked.limit, ({ row_number, seen }) => ({ by: "rank", top, last: row_number, seen, weights }));
}

// by the hit itself, since one before it may be gone; where it is gone itself, by its place
function placeAfter(ranked: readonly Candidate[], after: { last: number; seen: number }): number {
  const at = ranked.findIndex((candidate) => candidate.row_number === after.last);
  return at < 0 ? after.seen : at + 1;
}

interface Walk {
  range: RowRange;
  order: SQL;
  limit: number;
}

/** What fits, in the order of acceptance. The way that reads the fewest rows is taken; each gives the same. */
function candidates(context: CatalogContext, asked: Asked, walk: Walk): Candidate[] {
  const few = findFew(context, asked.filter, FEW);
  if (few !== undefined) return candidatesAmong(context, { asked, walk, few });
  const bounded = { ...walk, range: intersect(walk.range, rowsBetween(context, asked.filter)) };
  if (asked.match === "") return recorded(context, asked, bounded);
  const tail = { ...bounded, range: intersect(bounded.range, { first: indexedUpTo(context) + 1 }), limit: TAIL };
  const unindexed = recorded(context, asked, tail).filter((row) => matches(row, asked.terms));
  const found = asked.sort === "oldest" ? [indexed, () => unindexed] : [() => unindexed, indexed];
  return found.flatMap((read) => read(context, asked, bounded)).slice(0, walk.limit);
}

function recorded(context: CatalogContext, asked: Asked, { range, order, limit }: Walk): Candidate[] {
  // in their order and by no other index: it stops when it has enough
  return context.db.all<Candidate>(sql`select r.row_number, r.request_id, r.prompt, r.negative_prompt
    from requests r not indexed
    where ${within(sql`r.row_number`, range)} and ${toConditions(asked.filter)}
    order by r.row_number ${order} limit ${limit}`);
}

function indexed(context: CatalogContext, asked: Asked, { range, order, limit }: Walk): Candidate[] {
  // bounds and order name the column of the index itself: only then it walks backwards, and stops when it has enough
  return context.db.all<Candidate>(sql`select t.rowid as row_number, r.request_id, r.prompt, r.negative_prompt
    from request_texts t cross join requests r on r.row_number = t.rowid
    where request_texts match ${asked.match} and ${within(sql`t.rowid`, range)} and ${toConditions(asked.filter)}
    order by t.rowid ${order} limit ${limit}`);
}

/** Where a filter leaves few, all of them are looked at, and their words are compared as the index would have done it. */
function candidatesAmong(
  context: CatalogContext,
  { asked, walk, few }: { asked: Asked; walk: Walk; few: readonly string[] },
): Candidate[] {
  const rows = context.db.all<Candidate>(sql`select r.row_number, r.request_id, r.prompt, r.negative_prompt
    from json_each(${JSON.stringify(few)}) e cross join requests r on r.request_id = e.value
    where ${within(sql`r.row_number`, walk.range)} and ${toConditions(asked.filter)}
    order by r.row_number ${walk.order}`);
  return rows.filter((row) => matches(row, asked.terms)).slice(0, walk.limit);
}

/** Whether the prompts of a row hold the words; the index would say the same. */
export function matches(row: Pick<Candidate, "prompt" | "negative_prompt">, terms: readonly Term[]): boolean {
  if (terms.length === 0) return true;
  const texts = [toWords(row.prompt ?? ""), toWords(row.negative_prompt ?? "")];
  return terms.every((term) => texts.some((text) => countTerm(term, text) > 0) !== term.not);
}

function weigh(context: CatalogContext, terms: readonly Term[]): number[] {
  const wanted = terms.filter((term) => !term.not);
  if (wanted.length < 2) return wanted.map(() => 1);
  const all = newestDoc(context);
  return wanted.map((term) => {
    const { matches } = context.db.get<{ matches: number }>(sql`select count(*) as matches from
      (select 1 from request_texts where request_texts match ${toTermMatch(term)} limit ${COUNTED_MAX})`);
    return toWeight(matches, all);
  });
}

function newestDoc(context: CatalogContext): number {
  return context.db.get<{ row_number: number }>(sql`select coalesce(max(row_number), 0) as row_number from requests`)
    .row_number;
}

function toFound<Row extends { request_id: string }>(
  rows: readonly Row[],
  limit: number,
  at: (row: Row) => Position,
): Found {
  const hits = rows.slice(0, limit).map((row) => ({ request_id: row.request_id, at: at(row) }));
  return { hits, more: rows.length > limit };
}
