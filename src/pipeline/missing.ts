// The images that a request still lacks, and the call that requests them. Pure.
import { createHash } from "node:crypto";
import type { Image, RequestDetail } from "../domain/records.ts";
import { DRAWN_SEED_LIMIT, type Recipe } from "../domain/request/recipe.ts";

/** The indexes without an image, neither archived nor fetchable. */
export function missingIndexes(detail: RequestDetail): number[] {
  const expected = Array.from({ length: detail.request.recipe?.n ?? 0 }, (_, index) => index);
  const present = new Set(detail.images.map((image: Image) => image.index));
  return expected.filter((index) => !present.has(index));
}

/**
 * Number and seed of the next call. As long as no image came these are the recipe's own. After a short answer only the
 * missing images are requested, with another seed (the recipe's seed would return the same first images again). It is
 * derived from the recipe, so that every retry uses the same seed; the call's row records it.
 */
export function nextCall(detail: RequestDetail, recipe: Recipe): { n: number; seed: number } {
  const missing = missingIndexes(detail);
  if (missing.length === recipe.n) return { n: recipe.n, seed: recipe.seed };
  return { n: missing.length, seed: derivedSeed(`${detail.request.recipe_id}/${missing.join(",")}`) };
}

function derivedSeed(text: string): number {
  return createHash("sha256").update(text).digest().readUInt32BE(0) % DRAWN_SEED_LIMIT;
}
