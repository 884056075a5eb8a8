// The bill as we know it: calls and images by day and collection, and every call of unknown outcome with its parameters.
import { and, asc, eq, gt, gte, lt, or, type SQL, sql } from "drizzle-orm";
import type { Call } from "../pipeline/records.ts";
import type { Parts } from "./parts.ts";
import { toCall } from "./rows.ts";
import { calls, requests } from "./schema.ts";

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

/** The questions that people ask of the bill. */
export interface LedgerQueries {
  /** Sums, the oldest day first. */
  sums(filter?: LedgerFilter): LedgerRow[];
  /** Calls of unknown outcome, the oldest first, page by page. */
  unknown(filter?: LedgerFilter): Generator<UnknownCall>;
}

export function createLedger(parts: Parts): LedgerQueries {
  return {
    sums: (filter) => sumCalls(parts, filter),
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
    .where(and(...toConditions(filter)))
    .groupBy(day, requests.collection, calls.state)
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
    .where(and(eq(calls.state, "unknown"), after && isLater(after), ...toConditions(filter)))
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

function toConditions({ since, until, collection }: LedgerFilter): (SQL | undefined)[] {
  return [
    since === undefined ? undefined : gte(calls.sent_at, since),
    until === undefined ? undefined : lt(calls.sent_at, until),
    collection === undefined ? undefined : eq(requests.collection, collection),
  ];
}
