// The bill as we know it: calls and images by day and collection, and every call of unknown outcome with its parameters.
import type { SQL } from "drizzle-orm";
import type { Call } from "../pipeline/records.ts";
import { and, asc, eq, gt, gte, isNotNull, isNull, lt, or, sql } from "./orm.ts";
import type { Parts } from "./parts.ts";
import { toCall } from "./rows.ts";
import { calls, images, requests } from "./schema.ts";

/** Times in ms since 1970: from `since` on, before `until`. */
export interface LedgerFilter {
  since?: number | undefined;
  until?: number | undefined;
  collection?: string | undefined;
}

/** The calls of one day (UTC), one collection and one state. `images` is how many they asked for. */
export interface LedgerRow {
  day: string;
  collection: string;
  state: Call["state"];
  calls: number;
  images: number;
}

/** What was answered from the catalog on one day (UTC) in one collection: requests, and the images that were not bought. */
export interface ReuseRow {
  day: string;
  collection: string;
  requests: number;
  images: number;
}

/** The questions that people ask of the bill. */
export interface LedgerQueries {
  /** Sums, the oldest day first. */
  sums(filter?: LedgerFilter): LedgerRow[];
  /** The same for what cost nothing, by the time at which it was answered. */
  reused(filter?: LedgerFilter): ReuseRow[];
  /** Calls of unknown outcome, the oldest first, page by page. */
  unknown(filter?: LedgerFilter): Generator<UnknownCall>;
}

export function createLedger(parts: Parts): LedgerQueries {
  return {
    sums: (filter) => sumCalls(parts, filter),
    reused: (filter) => sumReused(parts, filter),
    unknown: (filter) => listUnknownCalls(parts, filter),
  };
}

function sumCalls(parts: Parts, filter: LedgerFilter = {}): LedgerRow[] {
  const day = sql<string>`date(${calls.sent_at} / 1000, 'unixepoch')`;
  return parts.db
    .select({
      day,
      collection: requests.collection,
      state: calls.state,
      calls: sql<number>`count(*)`,
      images: sql<number>`sum(${calls.n})`,
    })
    .from(calls)
    .innerJoin(requests, eq(requests.request_id, calls.request_id))
    .where(and(...toConditions(filter, calls.sent_at)))
    .groupBy(day, requests.collection, calls.state)
    .orderBy(day, asc(requests.collection))
    .all();
}

// Tied to the request in the moment in which it was answered, and made by no call of its own. SQLite keeps the order of a
// cross join: from the few requests that were answered so to their images, where it would else read all images.
function sumReused(parts: Parts, filter: LedgerFilter = {}): ReuseRow[] {
  const day = sql<string>`date(${images.archived_at} / 1000, 'unixepoch')`;
  return parts.db
    .select({
      day,
      collection: requests.collection,
      requests: sql<number>`count(distinct ${requests.request_id})`,
      images: sql<number>`count(*)`,
    })
    .from(requests)
    .crossJoin(images)
    .where(
      and(
        isNotNull(requests.reused_from),
        eq(images.request_id, requests.request_id),
        isNull(images.call_number),
        ...toConditions(filter, images.archived_at),
      ),
    )
    .groupBy(day, requests.collection)
    .orderBy(day, asc(requests.collection))
    .all();
}

/** A call whose outcome nobody knows, with all that the provider's support needs to find it. */
export interface UnknownCall extends Call {
  collection: string;
  model: string | null;
  prompt: string | null;
  negative_prompt: string | null;
  aspect_ratio: string | null;
  steps: number | null;
  guidance_scale: number | null;
}

const PAGE = 500;

function* listUnknownCalls(parts: Parts, filter: LedgerFilter = {}): Generator<UnknownCall> {
  let after: Call | undefined;
  for (;;) {
    const page = pageOfUnknown(parts, filter, after);
    yield* page;
    after = page.at(-1);
    if (page.length < PAGE) return;
  }
}

function pageOfUnknown(parts: Parts, filter: LedgerFilter, after: Call | undefined): UnknownCall[] {
  const { collection, model, prompt, negative_prompt, aspect_ratio, steps, guidance_scale } = requests;
  return parts.db
    .select({ call: calls, of: { collection, model, prompt, negative_prompt, aspect_ratio, steps, guidance_scale } })
    .from(calls)
    .innerJoin(requests, eq(requests.request_id, calls.request_id))
    .where(and(eq(calls.state, "unknown"), after && isLater(after), ...toConditions(filter, calls.sent_at)))
    .orderBy(asc(calls.sent_at), asc(calls.request_id), asc(calls.number))
    .limit(PAGE)
    .all()
    .map(({ call, of }) => ({ ...toCall(call), ...of }));
}

function isLater(after: Call): SQL | undefined {
  const sameTime = eq(calls.sent_at, after.sent_at);
  return or(
    gt(calls.sent_at, after.sent_at),
    and(sameTime, gt(calls.request_id, after.request_id)),
    and(sameTime, eq(calls.request_id, after.request_id), gt(calls.number, after.number)),
  );
}

function toConditions(
  { since, until, collection }: LedgerFilter,
  at: typeof calls.sent_at | typeof images.archived_at,
): (SQL | undefined)[] {
  return [
    since === undefined ? undefined : gte(at, since),
    until === undefined ? undefined : lt(at, until),
    collection === undefined ? undefined : eq(requests.collection, collection),
  ];
}
