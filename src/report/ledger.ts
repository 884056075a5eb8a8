// The ledger as shown: rows of calls become lines with money on them. Pure; the fields are a promise.
import type { Call } from "../pipeline/records.ts";
import type { Price } from "../units.ts";

/** The sums of the catalog: the calls of one day, one collection and one state, and the images they asked for. */
export interface CallSum {
  day: string;
  collection: string;
  state: Call["state"];
  calls: number;
  images: number;
}

/** The same for what was answered from the catalog, at no cost. */
export interface ReuseSum {
  day: string;
  collection: string;
  requests: number;
  images: number;
}

export interface Money {
  amount: number;
  currency: string;
}

/** `spent` and the rest are null where PRICE_PER_IMAGE is not set. */
export interface LedgerFigures {
  calls: Record<Call["state"], number>;
  images: Record<Call["state"], number>;
  /** For what was answered. */
  spent: Money | null;
  /** For calls whose outcome nobody knows: paid or not. */
  at_risk: Money | null;
  /** For calls that are out just now. */
  in_flight: Money | null;
  /** What was answered from the catalog instead of being bought, and what that would have cost. */
  reused: { requests: number; images: number };
  saved: Money | null;
}

export interface Ledger {
  price_per_image: Money | null;
  days: ({ day: string; collection: string } & LedgerFigures)[];
  total: LedgerFigures;
}

/**
 * A call costs what it asked for, n × price.
 *
 * | call | money |
 * |---|---|
 * | answered | spent |
 * | refused | none |
 * | unknown | at risk |
 * | sent | in flight |
 * | none: answered from the catalog | saved |
 */
export function toLedger(
  { sums, reuses }: { sums: readonly CallSum[]; reuses: readonly ReuseSum[] },
  price: Price | undefined,
): Ledger {
  const dayOf = ({ day, collection }: { day: string; collection: string }) => JSON.stringify([day, collection]);
  const called = Map.groupBy(sums, dayOf);
  const reused = Map.groupBy(reuses, dayOf);
  // as text the days are in the order of time, and collections in an order of their own
  const days = [...new Set([...called.keys(), ...reused.keys()])].toSorted();
  return {
    price_per_image: toMoney(1, price),
    days: days.map((key) => {
      const [day, collection] = JSON.parse(key) as [string, string];
      return { day, collection, ...toFigures({ sums: called.get(key) ?? [], reuses: reused.get(key) ?? [] }, price) };
    }),
    total: toFigures({ sums, reuses }, price),
  };
}

function toFigures(
  { sums, reuses }: { sums: readonly CallSum[]; reuses: readonly ReuseSum[] },
  price: Price | undefined,
): LedgerFigures {
  const calls = { sent: 0, answered: 0, refused: 0, unknown: 0 };
  const images = { sent: 0, answered: 0, refused: 0, unknown: 0 };
  for (const sum of sums) {
    calls[sum.state] += sum.calls;
    images[sum.state] += sum.images;
  }
  const reused = { requests: 0, images: 0 };
  for (const sum of reuses) {
    reused.requests += sum.requests;
    reused.images += sum.images;
  }
  return {
    calls,
    images,
    spent: toMoney(images.answered, price),
    at_risk: toMoney(images.unknown, price),
    in_flight: toMoney(images.sent, price),
    reused,
    saved: toMoney(reused.images, price),
  };
}

/** What so many images cost. */
export function toMoney(images: number, price: Price | undefined): Money | null {
  return price === undefined ? null : { amount: (images * price.micros) / 1e6, currency: price.currency };
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
export function toUnknownLine(call: UnknownCallSource, price: Price | undefined) {
  return {
    request_id: call.request_id,
    call: call.number,
    sent_at: new Date(call.sent_at).toISOString(),
    ended_at: call.ended_at === null ? null : new Date(call.ended_at).toISOString(),
    api_request_id: call.api_request_id,
    http_status: call.http_status,
    error: call.error,
    collection: call.collection,
    model: call.model,
    prompt: call.prompt,
    negative_prompt: call.negative_prompt,
    aspect_ratio: call.aspect_ratio,
    n: call.n,
    seed: call.seed,
    steps: call.steps,
    guidance_scale: call.guidance_scale,
    at_risk: toMoney(call.n, price),
  };
}
