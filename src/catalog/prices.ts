// What an image costs: at this moment, and for calls of which nobody recorded it.
import type { Price } from "../units.ts";
import type { Parts } from "./parts.ts";
import { referencePrice } from "./schema.ts";

/** The price of an image that is bought now: the setting, else the one that its batch began with. */
export function priceNow(parts: Parts, batchId: string | null): Price | undefined {
  if (parts.price !== undefined || batchId === null) return parts.price;
  const { price_micros, price_currency } = parts.reader.batch(batchId) ?? {};
  if (typeof price_micros !== "number" || typeof price_currency !== "string") return undefined;
  return { micros: price_micros, currency: price_currency };
}

/** What calls without a price of their own are valued at; undefined until somebody has set it. */
export function findReferencePrice({ db }: Parts): Price | undefined {
  const row = db.select().from(referencePrice).get();
  return row && { micros: row.price_micros, currency: row.price_currency };
}

/** Sets it, once: a later price changes nothing about the past. */
export function keepReferencePrice({ db, now }: Parts, { micros, currency }: Price): void {
  db.insert(referencePrice)
    .values({ id: 1, price_micros: micros, price_currency: currency, set_at: now() })
    .onConflictDoNothing()
    .run();
}
