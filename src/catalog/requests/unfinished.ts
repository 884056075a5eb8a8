// What upkeep looks for again and again: requests that may lack a job, and ended ones that may lack their sidecar. The
// requests of a state are walked through a stretch at a time: a million of them, of which nothing is to be put back because
// their batch is held, would else be read in one go, for which everything else of the process waits.
import type { SQL } from "drizzle-orm";
import type { RequestDetail, RequestState } from "../../domain/records.ts";
import { isNotHeld } from "../calls/budget.ts";
import type { CatalogContext } from "../context.ts";
import type { Db } from "../db/database.ts";
import { and, asc, eq, exists, isNull, sql } from "../db/orm.ts";
import { param, prepared } from "../db/prepared.ts";
import { batches } from "../schema/batches.ts";
import { calls, images, requests } from "../schema/requests.ts";

/** Rows of a stretch: a few milliseconds at most. */
const STRETCH = 500;

/** So many sidecars are asked for at once. */
const UNSEALED_MAX = 500;

/** An unfinished request, and when the first URL dies whose image is neither archived nor on disk. */
export type Unfinished = Pick<RequestDetail["request"], "request_id" | "job_id" | "state" | "batch_id"> & {
  expires_at: number | null;
};

/**
 * Unfinished requests that may go on now, for putting back into the queues what they lack: because Redis lost it, or
 * because their batch was held and is so no more. In pages, oldest change first; one may be empty, and whoever has
 * something else to do then does that first.
 */
export function* listUnfinished(context: CatalogContext): Generator<Unfinished[]> {
  for (const state of ["copying", "generating", "queued"] as const)
    for (const stretch of stretchesOf(context.db, state))
      yield selectUnfinished(context.db)[state].all({ ...stretch, now: context.now() });
}

/** Requests that ended otherwise than archived, with calls on record, whose sidecar the store lacks: ids in pages, as above. */
export function* listMissingSidecars(context: CatalogContext): Generator<string[]> {
  let found = 0;
  for (const state of ["failed", "parked", "cancelled"] as const)
    for (const stretch of stretchesOf(context.db, state)) {
      if (found >= UNSEALED_MAX) return;
      const page = selectUnsealed(context.db)[state].all({ ...stretch });
      found += page.length;
      yield page.map(({ request_id }) => request_id);
    }
}

/** Where a stretch of the requests of a state begins and ends, in the order of the index by state. */
interface Stretch {
  /** The last change before it, and the last row. */
  afterMs: number;
  afterRow: number;
  untilMs: number;
  untilRow: number;
}

function* stretchesOf(db: Db, state: RequestState): Generator<Stretch> {
  let [afterMs, afterRow] = [0, 0];
  for (;;) {
    const end = selectEnd(db).get({ state, afterMs, afterRow });
    const [untilMs, untilRow] = [end?.updated_at ?? Number.MAX_SAFE_INTEGER, end?.row ?? Number.MAX_SAFE_INTEGER];
    yield { afterMs, afterRow, untilMs, untilRow };
    if (end === undefined) return;
    [afterMs, afterRow] = [untilMs, untilRow];
  }
}

const selectEnd = prepared(({ $client: sqlite }) =>
  sqlite.prepare<[{ state: RequestState; afterMs: number; afterRow: number }], { updated_at: number; row: number }>(
    `select updated_at, rowid as row from requests where state = @state and (updated_at, rowid) > (@afterMs, @afterRow)
     order by updated_at, rowid limit 1 offset ${STRETCH - 1}`,
  ),
);

const selectUnfinished = prepared((db) => ({
  copying: prepareUnfinished(db, "copying"),
  generating: prepareUnfinished(db, "generating"),
  queued: prepareUnfinished(db, "queued"),
}));

function prepareUnfinished(db: Db, state: RequestState) {
  return db
    .select({
      request_id: requests.request_id,
      job_id: requests.job_id,
      state: requests.state,
      batch_id: requests.batch_id,
      expires_at: sql<number | null>`(select min(${images.expires_at}) from ${images}
        where ${images.request_id} = ${requests.request_id} and digest is null and spool_file is null)`,
    })
    .from(requests)
    .leftJoin(batches, eq(batches.batch_id, requests.batch_id))
    .where(and(isOfStretch(state), state === "copying" ? undefined : isNotHeld(param<number>("now"))))
    .orderBy(asc(requests.updated_at), asc(sql`requests.rowid`))
    .prepare();
}

const selectUnsealed = prepared((db) => ({
  failed: prepareUnsealed(db, "failed"),
  parked: prepareUnsealed(db, "parked"),
  cancelled: prepareUnsealed(db, "cancelled"),
}));

function prepareUnsealed(db: Db, state: RequestState) {
  const called = db.select({ one: calls.number }).from(calls).where(eq(calls.request_id, requests.request_id));
  return db
    .select({ request_id: requests.request_id })
    .from(requests)
    .where(and(isOfStretch(state), isNull(requests.sidecar_at), exists(called)))
    .orderBy(asc(requests.updated_at), asc(sql`requests.rowid`))
    .prepare();
}

function isOfStretch(state: RequestState): SQL {
  const place = sql`(${requests.updated_at}, requests.rowid)`;
  return sql`${requests.state} = ${sql.raw(`'${state}'`)} and ${place} > (${param("afterMs")}, ${param("afterRow")})
    and ${place} <= (${param("untilMs")}, ${param("untilRow")})`;
}
