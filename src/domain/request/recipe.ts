// The part of a request that determines the pixels, with the API's own field names, ranges and defaults.
// The rules follow the API's documentation: https://api.modelverse.cn/v1/images/generations, model Qwen/Qwen-Image.

import { canonicalDigest } from "./canonical-json.ts";

/** The sizes the API knows, width:height. */
export const ASPECT_RATIOS = ["21:9", "16:9", "4:3", "3:2", "1:1", "2:3", "3:4", "9:16", "9:21"] as const;
export type AspectRatio = (typeof ASPECT_RATIOS)[number];

/** The seed that asks for a random one. */
export const RANDOM_SEED = -1;

/** Drawn seeds are below this: every known backend takes 31 bits. */
export const DRAWN_SEED_LIMIT = 2 ** 31;

export const RECIPE_DEFAULTS = {
  model: "Qwen/Qwen-Image",
  negative_prompt: "",
  aspect_ratio: "1:1",
  n: 1,
  seed: RANDOM_SEED,
  steps: 20,
  guidance_scale: 2.5,
} as const;

/** What determines the pixels, with every default filled in. `seed` is explicit, never -1. */
export interface Recipe {
  model: string;
  prompt: string;
  negative_prompt: string;
  aspect_ratio: AspectRatio;
  n: number;
  seed: number;
  steps: number;
  guidance_scale: number;
}

/** Picks the recipe's fields. */
export function toRecipe(fields: Recipe): Recipe {
  const { model, prompt, negative_prompt, aspect_ratio, n, seed, steps, guidance_scale } = fields;
  return { model, prompt, negative_prompt, aspect_ratio, n, seed, steps, guidance_scale };
}

/** SHA-256 of the recipe's canonical JSON: requests with the same recipe id request the same pixels. */
export function recipeId(recipe: Recipe): string {
  const { aspect_ratio, guidance_scale, model, n, negative_prompt, prompt, seed, steps } = recipe;
  // in canonical order, which avoids sorting
  return canonicalDigest({ aspect_ratio, guidance_scale, model, n, negative_prompt, prompt, seed, steps });
}
