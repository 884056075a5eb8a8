// What can be said about a batch in numbers and lists: for `status --batch`, for its followers and for its report.
import type { SQL } from "drizzle-orm";
import type { Call, RequestRecord, RequestState } from "../../domain/records.ts";
import { isNotHeld } from "../calls/budget.ts";
import type { CatalogContext } from "../context.ts";
import { and, asc, count, eq, gt, inArray, isNotNull, isNull, min, sql } from "../db/orm.ts";
import { toRequestRecord } from "../requests/rows.ts";
import { batches } from "../schema/batches.ts";
import { calls, images, requests } from "../schema/requests.ts";
import { NO_REQUESTS } from "../stats/counts.ts";

/** How the items of a batch stand, and what its calls came to. */
export interface BatchStats {
  requests: Record<RequestState, number>;
  /** Calls that were charged to this batch, and the images they asked for. */
  calls: Record<Call["state"], { calls: number; images: number }>;
  /** What they cost at the prices of their time, in millionths of the currency that the batch began with. */
  cost: { spent: number; at_risk: number; currency: string | null };
  /** Requests that were answered from the catalog, free. */
  reused: number;
  /** The images of these: so many were not bought. */
  reused_images: number;
  /** Seconds until the first URL of an image of this batch dies that is not archived; null when there is none. */
  seconds_to_nearest_loss: number | null;
}

const PAGE = 500;

/** The items of a batch by state: cheap enough to be asked every second. */
export function countItems(context: CatalogContext, batchId: string): Record<RequestState, number> {
  const rows = context.db
    .select({ state: requests.state, number: count() })
    .from(requests)
    .where(eq(requests.batch_id, batchId))
    .groupBy(requests.state)
    .all();
  return { ...NO_REQUESTS, ...Object.fromEntries(rows.map(({ state, number }) => [state, number])) };
}

/**
 * Items that were there before the batch and are archived now. Those that were archived when it was enqueued were counted
 * then: only where some were under way has somebody to look.
 */
export function countArchivedBefore(context: CatalogContext, batchId: string): number {
  const { existing = 0, owned_elsewhere = 0 } = context.reader.batch(batchId) ?? {};
  if (owned_elsewhere === 0) return existing;
  const { archived } = context.db.get<{ archived: number }>(sql`select count(*) as archived from batch_existing_items e
    join ${requests} r on r.row_number = e.row_number where e.batch_id = ${batchId} and r.state = 'archived'`);
  return Math.max(existing, archived);
}

export function batchStatsOf(context: CatalogContext, batchId: string): BatchStats {
  const called = context.db
    .select({ state: calls.state, calls: count(), images: sql<number>`sum(${calls.n})` })
    .from(calls)
    .where(eq(calls.batch_id, batchId))
    .groupBy(calls.state)
    .all();
  const byState = Object.fromEntries(called.map(({ state, ...sums }) => [state, sums]));
  const free = context.db
    .select({ reused: count(), reused_images: sql<number>`coalesce(sum(${requests.n}), 0)` })
    .from(requests)
    .where(and(eq(requests.batch_id, batchId), isNotNull(requests.reused_from)))
    .get() as { reused: number; reused_images: number };
  return {
    requests: countItems(context, batchId),
    calls: { ...NO_CALLS, ...byState },
    cost: costOf(context, batchId),
    ...free,
    seconds_to_nearest_loss: nearestLoss(context, batchId),
  };
}

// a call from before prices were recorded has that of its batch
function costOf(context: CatalogContext, batchId: string): BatchStats["cost"] {
  const { price_micros = null, price_currency = null } = context.reader.batch(batchId) ?? {};
  const rows = context.db
    .select({
      state: calls.state,
      currency: sql<string | null>`coalesce(${calls.price_currency}, ${price_currency})`.as("currency"),
      micros: sql<number | null>`sum(${calls.n} * coalesce(${calls.price_micros}, ${price_micros}))`,
    })
    .from(calls)
    .where(and(eq(calls.batch_id, batchId), inArray(calls.state, ["answered", "unknown"])))
    .groupBy(calls.state, sql`currency`)
    .all();
  const currency = price_currency ?? rows.find((row) => row.currency !== null)?.currency ?? null;
  const sum = (state: Call["state"]) =>
    rows.find((row) => row.state === state && row.currency === currency)?.micros ?? 0;
  return { spent: sum("answered"), at_risk: sum("unknown"), currency };
}

function nearestLoss(context: CatalogContext, batchId: string): number | null {
  const { nearest } = context.db
    .select({ nearest: min(images.expires_at) })
    .from(images)
    .innerJoin(requests, eq(requests.request_id, images.request_id))
    .where(
      and(
        eq(requests.batch_id, batchId),
        inArray(requests.state, ["queued", "generating", "copying", "parked"]),
        isNull(images.digest),
        isNull(images.spool_file),
      ),
    )
    .get() as { nearest: number | null };
  return nearest === null ? null : Math.round((nearest - context.now()) / 1000);
}

/** A look through the items of a batch that took less CPU, in ms, is not worth remembering. */
const QUICK_MS = 50;

/** So many times as long as it took, the answer is given again. */
const REMEMBERED = 20;

/**
 * Whether items wait and none of them may go on: the batch is held, or what is left of its budget is too little for any.
 * To say so of a million items takes half a second, in which nothing else is done, and it is asked every few seconds: then
 * the last answer is given again for a while, unless the budget has changed.
 */
export function createIsBudgetExhausted(context: CatalogContext): (batchId: string) => boolean {
  const known = new Map<string, { starved: boolean; budget: string; until: number }>();
  return (batchId) => {
    const { committed_images, max_images } = context.reader.batch(batchId) ?? {};
    const budget = `${committed_images}/${max_images}`;
    const last = known.get(batchId);
    if (last?.budget === budget && performance.now() < last.until) return last.starved;
    const before = process.threadCpuUsage();
    const starved = isStarved(context, batchId);
    const { user, system } = process.threadCpuUsage(before);
    const tookMs = (user + system) / 1_000;
    known.delete(batchId);
    if (tookMs > QUICK_MS) known.set(batchId, { starved, budget, until: performance.now() + tookMs * REMEMBERED });
    return starved;
  };
}

function isStarved(context: CatalogContext, batchId: string): boolean {
  const waiting = and(eq(requests.batch_id, batchId), inArray(requests.state, ["queued", "generating"]));
  const first = (condition: SQL | undefined) =>
    context.db
      .select({ request_id: requests.request_id })
      .from(requests)
      .leftJoin(batches, eq(batches.batch_id, requests.batch_id))
      .where(condition)
      .limit(1)
      .get();
  return first(waiting) !== undefined && first(and(waiting, isNotHeld(context.now()))) === undefined;
}

/** Whether something of it is under way that ends by itself: a call that is out, or images that are being copied. */
export function hasWorkInFlight(context: CatalogContext, batchId: string): boolean {
  const { moving } = context.db.get<{ moving: number }>(sql`select
    exists (select 1 from ${requests} where ${requests.batch_id} = ${batchId} and ${requests.state} = 'copying')
    or exists (select 1 from ${calls} where ${calls.batch_id} = ${batchId} and ${calls.state} = 'sent') as moving`);
  return moving === 1;
}

/** Items in one of these states, page by page. */
export function* listItems(
  context: CatalogContext,
  batchId: string,
  states: readonly RequestState[],
): Generator<RequestRecord[]> {
  for (const state of states) {
    let after = 0;
    for (;;) {
      const page = context.db
        .select({ rowid: sql<number>`requests.rowid`, row: requests })
        .from(requests)
        .where(and(eq(requests.batch_id, batchId), eq(requests.state, state), gt(sql`requests.rowid`, after)))
        .orderBy(asc(sql`requests.rowid`))
        .limit(PAGE)
        .all();
      if (page.length > 0) yield page.map(({ row }) => toRequestRecord(row));
      after = page.at(-1)?.rowid ?? after;
      if (page.length < PAGE) break;
    }
  }
}

const NONE = { calls: 0, images: 0 };
const NO_CALLS = { sent: NONE, answered: NONE, refused: NONE, unknown: NONE };
