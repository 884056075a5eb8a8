// The figures of `status`: how many requests and calls stand where, and how long until an image is lost.

import type { Call, RequestState } from "../../domain/records.ts";
import type { CatalogContext } from "../context.ts";
import { count, sql } from "../db/orm.ts";
import { calls, images, requests } from "../schema/requests.ts";

export interface Counts {
  requests: Record<RequestState, number>;
  calls: Record<Call["state"], number>;
  /** Seconds until the first URL of an image that is not archived yet dies; null when there is none. */
  seconds_to_nearest_loss: number | null;
}

/** Up to so many requests, counting takes a few milliseconds. */
const FEW = 50_000;

/** How old a count may be for each request beyond those, in ms: counting takes about a twentieth of that. */
const AGE_MS = 0.005;

/**
 * Counts what is where. In a large catalog, where that holds up everything else of this process, the last count is given
 * again until it is some seconds old (5 at a million requests); of a small one it is always new.
 */
export function createCounts(context: CatalogContext): () => Counts {
  let known: { counts: Counts; at: number; ageMs: number } | undefined;
  return () => {
    const now = context.now();
    // a clock that was put back must not keep it
    if (known !== undefined && now >= known.at && now < known.at + known.ageMs)
      return { ...known.counts, seconds_to_nearest_loss: secondsToNearestLoss(context) };
    const counts = countAll(context);
    const total = Object.values(counts.requests).reduce((sum, number) => sum + number, 0);
    known = { counts, at: context.now(), ageMs: Math.max(0, total - FEW) * AGE_MS };
    return counts;
  };
}

function countAll(context: CatalogContext): Counts {
  return {
    requests: {
      ...NO_REQUESTS,
      ...byState(
        context.db.select({ state: requests.state, number: count() }).from(requests).groupBy(requests.state).all(),
      ),
    },
    calls: {
      ...NO_CALLS,
      ...byState(context.db.select({ state: calls.state, number: count() }).from(calls).groupBy(calls.state).all()),
    },
    seconds_to_nearest_loss: secondsToNearestLoss(context),
  };
}

/**
 * Seconds until the first URL dies whose image is not archived; null when nothing is at stake. The first one in the order in
 * which they die is the answer: those before it are of requests that have failed, and all others need not be read.
 */
export function secondsToNearestLoss(context: CatalogContext): number | null {
  const nearest = context.db.get<{ at: number } | undefined>(sql`select i.expires_at as at
    from ${images} i indexed by images_unarchived cross join ${requests} r on r.request_id = i.request_id
    where i.digest is null and i.spool_file is null and i.expires_at is not null
      and r.state in ('queued', 'generating', 'copying', 'parked')
    order by i.expires_at limit 1`);
  return nearest === undefined ? null : Math.round((nearest.at - context.now()) / 1000);
}

function byState<S extends string>(rows: { state: S; number: number }[]): Partial<Record<S, number>> {
  return Object.fromEntries(rows.map(({ state, number }) => [state, number])) as Partial<Record<S, number>>;
}

/** Every state of a request, with none in it. */
export const NO_REQUESTS: Readonly<Record<RequestState, number>> = {
  queued: 0,
  generating: 0,
  copying: 0,
  archived: 0,
  failed: 0,
  parked: 0,
  cancelled: 0,
};
const NO_CALLS: Record<Call["state"], number> = { sent: 0, answered: 0, refused: 0, unknown: 0 };
