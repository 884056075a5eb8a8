// The bill as we know it: calls and images by day and collection, and every call of unknown outcome with its parameters.
import type { SQL } from "drizzle-orm";
import type { Call } from "../../domain/records.ts";
import type { Price } from "../../domain/units.ts";
import type { CatalogContext } from "../context.ts";
import { and, asc, eq, gt, gte, isNotNull, isNull, lt, or, sql } from "../db/orm.ts";
import type { Write } from "../db/writer.ts";
import { toCall } from "../requests/rows.ts";
import { batches } from "../schema/batches.ts";
import { calls, images, requests, reusePrices } from "../schema/requests.ts";
import { findReferencePrice, keepReferencePrice } from "./prices.ts";

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
  /** What they cost at the prices of their time, in millionths of `currency`; both null where no price was recorded. */
  micros: number | null;
  currency: string | null;
}

/** What was answered from the catalog on one day (UTC) in one collection: requests, and the images that were not bought. */
export interface ReuseRow {
  day: string;
  collection: string;
  requests: number;
  images: number;
  /** What they would have cost then; both null where no price was recorded. */
  micros: number | null;
  currency: string | null;
}

/** The questions that people ask of the bill. */
export interface LedgerQueries {
  /** Sums, the oldest day first. */
  sums(filter?: LedgerFilter): LedgerRow[];
  /** The same for what cost nothing, by the time at which it was answered. */
  reused(filter?: LedgerFilter): ReuseRow[];
  /** Calls of unknown outcome, the oldest first, page by page. */
  unknown(filter?: LedgerFilter): Generator<UnknownCall>;
  /** What calls are valued at of which no price is on record; undefined until it is set. */
  referencePrice(): Price | undefined;
  /** Sets it where it is not set yet: a later price changes nothing about the past. */
  keepReferencePrice(price: Price): Promise<void>;
}

export function createLedger(context: CatalogContext, write: Write): LedgerQueries {
  return {
    referencePrice: () => findReferencePrice(context),
    keepReferencePrice: (price) => write(() => keepReferencePrice(context, price)),
    sums: (filter) => sumCalls(context, filter),
    reused: (filter) => sumReused(context, filter),
    unknown: (filter) => listUnknownCalls(context, filter),
  };
}

function sumCalls(context: CatalogContext, filter: LedgerFilter = {}): LedgerRow[] {
  const day = sql<string>`date(${calls.sent_at} / 1000, 'unixepoch')`;
  return context.db
    .select({
      day,
      collection: requests.collection,
      state: calls.state,
      calls: sql<number>`count(*)`,
      images: sql<number>`sum(${calls.n})`,
      micros: sql<number | null>`sum(${calls.n} * ${PRICE.micros})`,
      currency: PRICE.currency,
    })
    .from(calls)
    .innerJoin(requests, eq(requests.request_id, calls.request_id))
    .leftJoin(batches, eq(batches.batch_id, calls.batch_id))
    .where(and(...toConditions(filter, calls.sent_at)))
    .groupBy(day, requests.collection, calls.state, PRICE.currency)
    .orderBy(day, asc(requests.collection))
    .all();
}

/** Calls from before prices were recorded have that of their batch, where there was one. */
const PRICE = {
  micros: sql<number | null>`coalesce(${calls.price_micros}, ${batches.price_micros})`,
  currency: sql<string | null>`coalesce(${calls.price_currency}, ${batches.price_currency})`,
};

function sumReused(context: CatalogContext, filter: LedgerFilter = {}): ReuseRow[] {
  const priced = Map.groupBy(sumReusePrices(context, filter), keyOf);
  return countReused(context, filter).flatMap(({ images: count, requests: answered, ...row }) => {
    const own = priced.get(keyOf(row)) ?? [];
    const left = count - own.reduce((sum, one) => sum + one.images, 0);
    const rest = { ...row, images: left, micros: null, currency: null };
    const rows = left > 0 ? [...own, rest] : own;
    // the requests are counted once, whatever number of prices their images had
    return rows.map((one, at) => ({ ...one, requests: at === 0 ? answered : 0 }));
  });
}

const keyOf = ({ day, collection }: Pick<ReuseRow, "day" | "collection">) => JSON.stringify([day, collection]);

function sumReusePrices(context: CatalogContext, filter: LedgerFilter): Omit<ReuseRow, "requests">[] {
  const day = sql<string>`date(${reusePrices.reused_at} / 1000, 'unixepoch')`;
  return context.db
    .select({
      day,
      collection: requests.collection,
      images: sql<number>`sum(${reusePrices.images})`,
      micros: sql<number>`sum(${reusePrices.images} * ${reusePrices.price_micros})`,
      currency: reusePrices.price_currency,
    })
    .from(reusePrices)
    .innerJoin(requests, eq(requests.request_id, reusePrices.request_id))
    .where(and(...toConditions(filter, reusePrices.reused_at)))
    .groupBy(day, requests.collection, reusePrices.price_currency)
    .all();
}

// Tied to the request in the moment in which it was answered, and made by no call of its own. SQLite keeps the order of a
// cross join: from the few requests that were answered so to their images, where it would else read all images.
function countReused(context: CatalogContext, filter: LedgerFilter): Omit<ReuseRow, "micros" | "currency">[] {
  const day = sql<string>`date(${images.archived_at} / 1000, 'unixepoch')`;
  return context.db
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

function* listUnknownCalls(context: CatalogContext, filter: LedgerFilter = {}): Generator<UnknownCall> {
  let after: Call | undefined;
  for (;;) {
    const page = pageOfUnknown(context, filter, after);
    yield* page;
    after = page.at(-1);
    if (page.length < PAGE) return;
  }
}

function pageOfUnknown(context: CatalogContext, filter: LedgerFilter, after: Call | undefined): UnknownCall[] {
  const { collection, model, prompt, negative_prompt, aspect_ratio, steps, guidance_scale } = requests;
  return context.db
    .select({
      call: calls,
      price: PRICE,
      of: { collection, model, prompt, negative_prompt, aspect_ratio, steps, guidance_scale },
    })
    .from(calls)
    .innerJoin(requests, eq(requests.request_id, calls.request_id))
    .leftJoin(batches, eq(batches.batch_id, calls.batch_id))
    .where(and(eq(calls.state, "unknown"), after && isLater(after), ...toConditions(filter, calls.sent_at)))
    .orderBy(asc(calls.sent_at), asc(calls.request_id), asc(calls.number))
    .limit(PAGE)
    .all()
    .map(({ call, price: { micros, currency }, of }) => {
      const price = micros === null || currency === null ? null : { micros, currency };
      return { ...toCall(call), price, ...of };
    });
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
  at: typeof calls.sent_at | typeof images.archived_at | typeof reusePrices.reused_at,
): (SQL | undefined)[] {
  return [
    since === undefined ? undefined : gte(at, since),
    until === undefined ? undefined : lt(at, until),
    collection === undefined ? undefined : eq(requests.collection, collection),
  ];
}
