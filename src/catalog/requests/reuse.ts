// Answers taken from what is archived already, at no cost.
import type { RequestDetail } from "../../domain/records.ts";
import type { Price } from "../../domain/units.ts";
import { isIntact } from "../assets/assets.ts";
import { priceNow } from "../calls/prices.ts";
import type { CatalogContext } from "../context.ts";
import { and, desc, eq, isNull, ne, sql } from "../db/orm.ts";
import { param, prepared } from "../db/prepared.ts";
import { images, requests, reusePrices } from "../schema/requests.ts";
import { equalsRecipe } from "./recipe-prefix.ts";

/**
 * Answers an explicit-seed request with the images of the newest archived one of the same recipe. One that has made calls
 * in vain is answered too: its twin may have been archived meanwhile. A reproduction may show something else than what it
 * reproduces, so it answers only where nothing else of the recipe is left.
 */
export function reuseArchived(context: CatalogContext, requestId: string): RequestDetail | undefined {
  const row = context.reader.row(requestId);
  if (row === undefined || !row.seed_given || !row.reuse || row.recipe_id === null) return undefined;
  if (!isUntouched(context, requestId)) return undefined;
  const source = selectSource(context.db).get({ recipeId: row.recipe_id, requestId })?.request_id;
  if (source === undefined) return undefined;
  tieImages(context, { requestId, source, price: priceNow(context, row.batch_id) });
  return context.reader.detail(requestId);
}

const selectSource = prepared((db) =>
  db
    .select({ request_id: requests.request_id })
    .from(requests)
    .where(
      and(
        equalsRecipe(sql`${requests.recipe_id}`, param("recipeId")),
        // with "+" out of sight of the index by state, in which nearly all are archived
        sql`+${requests.state} = 'archived'`,
        ne(requests.request_id, param("requestId")),
        isNull(requests.deleted_at),
        isIntact(sql`${requests.request_id}`),
      ),
    )
    .orderBy(sql`${requests.reproduces} is not null`, desc(requests.archived_at))
    .prepare(),
);

// nothing came yet, and nothing is on its way
function isUntouched(context: CatalogContext, requestId: string): boolean {
  const detail = context.reader.detail(requestId);
  const state = detail?.request.state;
  if (detail === undefined || (state !== "queued" && state !== "generating")) return false;
  return detail.images.length === 0 && detail.calls.every((call) => call.state !== "sent");
}

function tieImages(
  context: CatalogContext,
  { requestId, source, price }: { requestId: string; source: string; price: Price | undefined },
): void {
  const now = context.now();
  const { index, digest, asset_id } = images;
  const shared = context.db.select({ index, digest, asset_id }).from(images).where(eq(images.request_id, source)).all();
  context.db
    .insert(images)
    .values(shared.map((image) => ({ request_id: requestId, ...image, archived_at: now })))
    .run();
  if (price !== undefined) notePrice(context, { requestId, images: shared.length, price });
  context.db
    .update(requests)
    .set({ state: "copying", reused_from: source, updated_at: now })
    .where(eq(requests.request_id, requestId))
    .run();
}

// a request that was answered before has lost those images since, and is answered once more
function notePrice(
  { db, now }: CatalogContext,
  { requestId, images: count, price }: { requestId: string; images: number; price: Price },
): void {
  const { micros: price_micros, currency: price_currency } = price;
  db.insert(reusePrices)
    .values({ request_id: requestId, images: count, price_micros, price_currency, reused_at: now() })
    .onConflictDoNothing()
    .run();
}
