// What an image costs: at this moment, and for calls of which nobody recorded it.
import type { Price } from "../../domain/units.ts";
import type { CatalogContext } from "../context.ts";
import { referencePrice } from "../schema/requests.ts";

/** The price of an image that is bought now: the setting, else the one that its batch began with. */
export function priceNow(context: CatalogContext, batchId: string | null): Price | undefined {
  if (context.price !== undefined || batchId === null) return context.price;
  const { price_micros, price_currency } = context.reader.batch(batchId) ?? {};
  if (typeof price_micros !== "number" || typeof price_currency !== "string") return undefined;
  return { micros: price_micros, currency: price_currency };
}

/** What calls without a price of their own are valued at; undefined until somebody has set it. */
export function findReferencePrice({ db }: CatalogContext): Price | undefined {
  const row = db.select().from(referencePrice).get();
  return row && { micros: row.price_micros, currency: row.price_currency };
}

/** Sets it, once: a later price changes nothing about the past. */
export function keepReferencePrice({ db, now }: CatalogContext, { micros, currency }: Price): void {
  db.insert(referencePrice)
    .values({ id: 1, price_micros: micros, price_currency: currency, set_at: now() })
    .onConflictDoNothing()
    .run();
}
