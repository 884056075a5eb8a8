// Figures that only grow, read in steps: each reading begins where the last one ended, so that a scrape never walks a million rows.
import { and, asc, eq, gt, max, sql } from "drizzle-orm";
import type { Parts } from "./parts.ts";
import { assets, calls, requests } from "./schema.ts";

/** How many assets, and bytes, the catalog has gained since a place in it; `place` is where the next reading begins. */
export interface AssetGrowth {
  place: number;
  assets: number;
  bytes: number;
}

/** A request that was archived, and how long that took after its last answer, in ms. */
export interface ArchivedAfter {
  archived_at: number;
  latency_ms: number;
}

export interface Figures {
  /** Assets recorded after `place`; 0 is the beginning. */
  assetsSince(place: number): AssetGrowth;
  /** Requests archived after that time (ms), oldest first, a page of them; reused ones have no answer and are left out. */
  archivedSince(sinceMs: number): ArchivedAfter[];
}

const PAGE = 2_000;

export function createFigures(parts: Parts): Figures {
  return {
    assetsSince: (place) => assetsSince(parts, place),
    archivedSince: (sinceMs) => archivedSince(parts, sinceMs),
  };
}

function assetsSince(parts: Parts, place: number): AssetGrowth {
  const row = parts.db.get<{ place: number | null; assets: number; bytes: number | null }>(
    sql`select max(rowid) as place, count(*) as assets, sum(bytes) as bytes from ${assets} where rowid > ${place}`,
  );
  return { place: row.place ?? place, assets: row.assets, bytes: row.bytes ?? 0 };
}

// an archived request is not touched again, so the index by state and change serves
function archivedSince(parts: Parts, sinceMs: number): ArchivedAfter[] {
  const rows = parts.db
    .select({ archived_at: requests.updated_at, answered_at: max(calls.ended_at) })
    .from(requests)
    .innerJoin(calls, and(eq(calls.request_id, requests.request_id), eq(calls.state, "answered")))
    .where(and(eq(requests.state, "archived"), gt(requests.updated_at, sinceMs)))
    .groupBy(requests.request_id)
    .orderBy(asc(requests.updated_at))
    .limit(PAGE)
    .all();
  return rows.map(({ archived_at, answered_at }) => ({
    archived_at,
    latency_ms: Math.max(0, archived_at - (answered_at ?? archived_at)),
  }));
}
