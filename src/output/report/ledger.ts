// The ledger as shown: rows of calls become lines with money on them. Pure; the fields are a promise.
import type { Call } from "../../domain/records.ts";
import { type Money, type Price, toMoney } from "../../domain/units.ts";

/** A sum in millionths of `currency`, at the prices of its time; both null where none was recorded. */
interface Sum {
  micros: number | null;
  currency: string | null;
}

/** The sums of the catalog: the calls of one day, one collection and one state, and the images they asked for. */
export interface CallSum extends Sum {
  day: string;
  collection: string;
  state: Call["state"];
  calls: number;
  images: number;
}

/** The same for what was answered from the catalog, at no cost. */
export interface ReuseSum extends Sum {
  day: string;
  collection: string;
  requests: number;
  images: number;
}

/** Null where no price is known. */
interface LedgerMoney {
  /** For what was answered. */
  spent: Money | null;
  /** For calls whose outcome nobody knows: paid or not. */
  at_risk: Money | null;
  /** For calls that are out just now. */
  in_flight: Money | null;
  /** What the reused images would have cost. */
  saved: Money | null;
}

export interface LedgerFigures extends LedgerMoney {
  calls: Record<Call["state"], number>;
  images: Record<Call["state"], number>;
  /** What was answered from the catalog instead of being bought. */
  reused: { requests: number; images: number };
  /** Calls (other than refused ones) without a price of their own; valued at `price_of_unpriced`. Only where there are any. */
  unpriced?: { calls: number; images: number };
  /** The same sums in further currencies, where calls had several. */
  other_currencies?: LedgerMoney[];
}

export interface Ledger {
  price_per_image: Money | null;
  /** What calls without a price of their own are valued at; only where there are any. */
  price_of_unpriced?: Money | null;
  days: ({ day: string; collection: string } & LedgerFigures)[];
  total: LedgerFigures;
}

/** PRICE_PER_IMAGE, and what is valued for lack of a price of its own: the reference price that the catalog has kept. */
export interface LedgerPrices {
  current: Price | undefined;
  reference: Price | undefined;
}

/**
 * A call costs what it asked for, n × the price of its time.
 *
 * | call | money |
 * |---|---|
 * | answered | spent |
 * | refused | none |
 * | unknown | at risk |
 * | sent | in flight |
 * | none: answered from the catalog | saved |
 *
 * | price on the call | price of its batch | reference price kept | valued at |
 * |---|---|---|---|
 * | yes | – | – | its own |
 * | no | yes | – | that of its batch |
 * | no | no | yes | the reference price, counted as unpriced |
 * | no | no | no | PRICE_PER_IMAGE, counted as unpriced |
 */
export function toLedger(source: LedgerSource, { current, reference }: LedgerPrices): Ledger {
  const { sums, reuses } = source;
  const dayOf = ({ day, collection }: { day: string; collection: string }) => JSON.stringify([day, collection]);
  const called = Map.groupBy(sums, dayOf);
  const reused = Map.groupBy(reuses, dayOf);
  // as text the days are in the order of time, and collections in an order of their own
  const days = [...new Set([...called.keys(), ...reused.keys()])].toSorted();
  const fallback = reference ?? current;
  const currency = (current ?? reference)?.currency ?? [...sums, ...reuses].find((sum) => sum.currency)?.currency;
  const money = { fallback, currency: currency ?? undefined };
  const total = toFigures(source, money);
  return {
    price_per_image: current === undefined ? null : toMoney(current),
    ...(total.unpriced !== undefined && { price_of_unpriced: fallback === undefined ? null : toMoney(fallback) }),
    days: days.map((key) => {
      const [day, collection] = JSON.parse(key) as [string, string];
      const own = { sums: called.get(key) ?? [], reuses: reused.get(key) ?? [] };
      return { day, collection, ...toFigures(own, money) };
    }),
    total,
  };
}

export interface LedgerSource {
  sums: readonly CallSum[];
  reuses: readonly ReuseSum[];
}

interface Valuation {
  fallback: Price | undefined;
  /** The one in which sums are shown first. */
  currency: string | undefined;
}

function toFigures({ sums, reuses }: LedgerSource, valuation: Valuation): LedgerFigures {
  const calls = { sent: 0, answered: 0, refused: 0, unknown: 0 };
  const images = { sent: 0, answered: 0, refused: 0, unknown: 0 };
  const unpriced = { calls: 0, images: 0 };
  for (const sum of sums) {
    calls[sum.state] += sum.calls;
    images[sum.state] += sum.images;
    if (sum.micros !== null || sum.state === "refused") continue;
    unpriced.calls += sum.calls;
    unpriced.images += sum.images;
  }
  const reused = { requests: 0, images: 0 };
  for (const sum of reuses) {
    reused.requests += sum.requests;
    reused.images += sum.images;
  }
  const { saved, ...money } = toLedgerMoney({ sums, reuses }, valuation, valuation.currency);
  const others = otherCurrencies({ sums, reuses }, valuation.currency);
  return {
    calls,
    images,
    ...money,
    reused,
    saved,
    ...(unpriced.calls > 0 && { unpriced }),
    ...(others.length > 0 && {
      other_currencies: others.map((other) => toLedgerMoney({ sums, reuses }, valuation, other)),
    }),
  };
}

function otherCurrencies({ sums, reuses }: LedgerSource, first: string | undefined): string[] {
  const all = [...sums, ...reuses].flatMap(({ currency }) => currency ?? []);
  return [...new Set(all)].filter((currency) => currency !== first).toSorted();
}

function toLedgerMoney(
  { sums, reuses }: LedgerSource,
  { fallback }: Valuation,
  currency: string | undefined,
): LedgerMoney {
  const add = (rows: readonly (Sum & { images: number })[]): Money | null => {
    if (currency === undefined) return null;
    const values = rows.map((row) => microsIn(row, { fallback, currency }));
    return toMoney({ micros: values.reduce((sum, value) => sum + value, 0), currency });
  };
  const ofState = (state: Call["state"]) => add(sums.filter((sum) => sum.state === state));
  return { spent: ofState("answered"), at_risk: ofState("unknown"), in_flight: ofState("sent"), saved: add(reuses) };
}

function microsIn(
  row: Sum & { images: number },
  { fallback, currency }: { fallback: Price | undefined; currency: string },
): number {
  if (row.micros !== null) return row.currency === currency ? row.micros : 0;
  return fallback?.currency === currency ? row.images * fallback.micros : 0;
}

/** What so many images cost. */
export function costOf(images: number, price: Price | undefined): Money | null {
  return price === undefined ? null : toMoney({ micros: images * price.micros, currency: price.currency });
}

/** What the catalog knows of a call of unknown outcome. */
export interface UnknownCallSource extends Call {
  collection: string;
  model: string | null;
  prompt: string | null;
  negative_prompt: string | null;
  aspect_ratio: string | null;
  steps: number | null;
  guidance_scale: number | null;
}

/** One line of `ledger --unknown`: what the provider's support needs to find a call. */
export function toUnknownLine(call: UnknownCallSource, { current, reference }: LedgerPrices) {
  return {
    request_id: call.request_id,
    call: call.number,
    sent_at: new Date(call.sent_at).toISOString(),
    ended_at: call.ended_at === null ? null : new Date(call.ended_at).toISOString(),
    api_request_id: call.api_request_id,
    http_status: call.http_status,
    error: call.error,
    answer_file: call.answer_file,
    collection: call.collection,
    model: call.model,
    prompt: call.prompt,
    negative_prompt: call.negative_prompt,
    aspect_ratio: call.aspect_ratio,
    n: call.n,
    seed: call.seed,
    steps: call.steps,
    guidance_scale: call.guidance_scale,
    at_risk: costOf(call.n, call.price ?? reference ?? current),
  };
}
