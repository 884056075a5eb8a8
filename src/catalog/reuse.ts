// Answers taken from what is archived already, at no cost.
import type { RequestDetail } from "../pipeline/records.ts";
import type { Price } from "../units.ts";
import { isIntact } from "./assets.ts";
import { isKey } from "./beginnings.ts";
import { and, desc, eq, isNull, ne, sql } from "./orm.ts";
import type { Parts } from "./parts.ts";
import { given, prepared } from "./prepared.ts";
import { priceNow } from "./prices.ts";
import { images, requests, reusePrices } from "./schema.ts";

/**
 * Answers an explicit-seed request with the images of the newest archived one of the same recipe. One that has made calls
 * in vain is answered too: its twin may have been archived meanwhile. A reproduction may show something else than what it
 * reproduces, so it answers only where nothing else of the recipe is left.
 */
export function reuseArchived(parts: Parts, requestId: string): RequestDetail | undefined {
  const row = parts.reader.row(requestId);
  if (row === undefined || !row.seed_given || !row.reuse || row.recipe_id === null) return undefined;
  if (!isUntouched(parts, requestId)) return undefined;
  const source = selectSource(parts.db).get({ recipeId: row.recipe_id, requestId })?.request_id;
  if (source === undefined) return undefined;
  tieImages(parts, { requestId, source, price: priceNow(parts, row.batch_id) });
  return parts.reader.detail(requestId);
}

const selectSource = prepared((db) =>
  db
    .select({ request_id: requests.request_id })
    .from(requests)
    .where(
      and(
        isKey(sql`${requests.recipe_id}`, given("recipeId")),
        // with "+" out of sight of the index by state, in which nearly all are archived
        sql`+${requests.state} = 'archived'`,
        ne(requests.request_id, given("requestId")),
        isNull(requests.deleted_at),
        isIntact(sql`${requests.request_id}`),
      ),
    )
    .orderBy(sql`${requests.reproduces} is not null`, desc(requests.archived_at))
    .prepare(),
);

// nothing came yet, and nothing is on its way
function isUntouched(parts: Parts, requestId: string): boolean {
  const detail = parts.reader.detail(requestId);
  const state = detail?.request.state;
  if (detail === undefined || (state !== "queued" && state !== "generating")) return false;
  return detail.images.length === 0 && detail.calls.every((call) => call.state !== "sent");
}

function tieImages(
  parts: Parts,
  { requestId, source, price }: { requestId: string; source: string; price: Price | undefined },
): void {
  const now = parts.now();
  const { index, digest, asset_place } = images;
  const shared = parts.db
    .select({ index, digest, asset_place })
    .from(images)
    .where(eq(images.request_id, source))
    .all();
  parts.db
    .insert(images)
    .values(shared.map((image) => ({ request_id: requestId, ...image, archived_at: now })))
    .run();
  if (price !== undefined) notePrice(parts, { requestId, images: shared.length, price });
  parts.db
    .update(requests)
    .set({ state: "copying", reused_from: source, updated_at: now })
    .where(eq(requests.request_id, requestId))
    .run();
}

// a request that was answered before has lost those images since, and is answered once more
function notePrice(
  { db, now }: Parts,
  { requestId, images: count, price }: { requestId: string; images: number; price: Price },
): void {
  const { micros: price_micros, currency: price_currency } = price;
  db.insert(reusePrices)
    .values({ request_id: requestId, images: count, price_micros, price_currency, reused_at: now() })
    .onConflictDoNothing()
    .run();
}
