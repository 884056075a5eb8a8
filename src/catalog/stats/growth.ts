// Figures that only grow, read in steps: each reading begins where the last one ended, so that a scrape never walks a million rows.

import type { CatalogContext } from "../context.ts";
import { sql } from "../db/orm.ts";
import { assets, calls, images, requests, reusePrices } from "../schema/requests.ts";

/** Where a reading ended and the next one begins, and whether there was more: then whatever else waits has its turn first. */
interface Step {
  place: number;
  more: boolean;
}

/** How many assets, and bytes, the catalog has gained since a place in it. */
export interface AssetGrowth extends Step {
  assets: number;
  bytes: number;
}

/** Images that were answered from the catalog, and what they would have cost then, in millionths. */
export interface Saved {
  currency: string;
  images: number;
  micros: number;
}

/** A place in the order in which requests were archived. */
export interface ArchivedCursor {
  archived_at: number;
  request_id: string;
}

/** A request that was archived, and how long that took after its last answer, in ms; null where that cannot be told. */
export interface ArchivedAfter extends ArchivedCursor {
  latency_ms: number | null;
}

export interface GrowthCounters {
  /** Assets recorded after `place`, up to some ten thousand; 0 is the beginning. */
  assetsSince(place: number): AssetGrowth;
  /** Images that were answered from the catalog since `place`: so many were not bought. */
  reusedSince(place: number): Step & { images: number };
  /** What those saved that were recorded behind `place` with the price of their time, by currency. */
  savedSince(place: number): Step & { saved: Saved[] };
  /**
   * Requests archived behind `place`, in order, a page of them. Among them are reused ones, which have no answer, and such as
   * were changed since: they have no latency, but move the place.
   */
  archivedSince(place: ArchivedCursor): ArchivedAfter[];
}

const PAGE = 2_000;

export function createGrowthCounters(context: CatalogContext): GrowthCounters {
  return {
    assetsSince: (place) => assetsSince(context, place),
    reusedSince: (place) => reusedSince(context, place),
    savedSince: (place) => savedSince(context, place),
    archivedSince: (place) => archivedSince(context, place),
  };
}

/** Rows of one step: some milliseconds. */
const STEP = 20_000;

function assetsSince({ db }: CatalogContext, place: number): AssetGrowth {
  const row = db.get<{ place: number | null; assets: number; bytes: number | null }>(
    sql`select max(place) as place, count(*) as assets, sum(bytes) as bytes from
      (select rowid as place, bytes from ${assets} where rowid > ${place} order by rowid limit ${STEP})`,
  );
  return { place: row.place ?? place, assets: row.assets, bytes: row.bytes ?? 0, more: row.assets === STEP };
}

function reusedSince({ db }: CatalogContext, place: number): Step & { images: number } {
  const row = db.get<{ place: number | null; seen: number; images: number | null }>(
    // reused images are tied to their request without a call
    sql`select max(place) as place, count(*) as seen, sum(call_number is null) as images from
      (select rowid as place, call_number from ${images} where rowid > ${place} order by rowid limit ${STEP})`,
  );
  return { place: row.place ?? place, images: row.images ?? 0, more: row.seen === STEP };
}

function savedSince({ db }: CatalogContext, place: number): Step & { saved: Saved[] } {
  const rows = db.all<Saved & { place: number; seen: number }>(
    sql`select max(row_number) as place, count(*) as seen, price_currency as currency, sum(images) as images,
      sum(images * price_micros) as micros from
      (select * from ${reusePrices} where row_number > ${place} order by row_number limit ${STEP})
      group by price_currency`,
  );
  return {
    place: rows.reduce((last, row) => Math.max(last, row.place), place),
    saved: rows.map(({ currency, images: count, micros }) => ({ currency, images: count, micros })),
    more: rows.reduce((sum, row) => sum + row.seen, 0) === STEP,
  };
}

/** So old a row must be, in ms, before it is passed by: another process may be just committing one that is a little older. */
const SETTLED_MS = 1_000;

// In the order of the index by state and change, from the place on; a join with the calls would sort all that is archived
// first. A request that somebody edits later, or deletes, was changed last by that and not by its archiving.
function archivedSince(context: CatalogContext, place: ArchivedCursor): ArchivedAfter[] {
  return context.db.all<ArchivedAfter>(sql`
    select request_id, updated_at as archived_at, case when r.archived_at = updated_at then
      (select max(0, updated_at - max(c.ended_at)) from ${calls} c
      where c.request_id = r.request_id and +c.state = 'answered') end as latency_ms
    from ${requests} r
    where state = 'archived' and (updated_at, request_id) > (${place.archived_at}, ${place.request_id})
      and updated_at <= ${context.now() - SETTLED_MS}
    order by updated_at, request_id limit ${PAGE}`);
}
