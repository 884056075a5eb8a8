// What a request still lacks, and the call that would bring it. Pure.
import { createHash } from "node:crypto";
import type { Image, RequestDetail } from "../domain/records.ts";
import { DRAWN_SEED_LIMIT, type Recipe } from "../domain/request/recipe.ts";

/** The indexes for which there is no image yet, neither archived nor fetchable. */
export function missingIndexes(detail: RequestDetail): number[] {
  const expected = Array.from({ length: detail.request.recipe?.n ?? 0 }, (_, index) => index);
  const present = new Set(detail.images.map((image: Image) => image.index));
  return expected.filter((index) => !present.has(index));
}

/**
 * What the next call asks for. As long as nothing came it is the recipe itself. When an answer was short, only the
 * missing images are asked for, under a seed of their own (the recipe's would bring the same first images again): it is
 * derived from the recipe, so that every retry asks for the same, and stands in the row of the call.
 */
export function nextCall(detail: RequestDetail, recipe: Recipe): { n: number; seed: number } {
  const missing = missingIndexes(detail);
  if (missing.length === recipe.n) return { n: recipe.n, seed: recipe.seed };
  return { n: missing.length, seed: derivedSeed(`${detail.request.recipe_id}/${missing.join(",")}`) };
}

function derivedSeed(text: string): number {
  return createHash("sha256").update(text).digest().readUInt32BE(0) % DRAWN_SEED_LIMIT;
}
