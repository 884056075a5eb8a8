// The part of a request that decides the pixels, with the API's own field names, ranges and defaults.
// The rules are those of the API's document: https://api.modelverse.cn/v1/images/generations, model Qwen/Qwen-Image.
import { z } from "zod";
import { canonicalDigest } from "./canonical-json.ts";

/** The sizes the API knows, width:height. */
export const ASPECT_RATIOS = ["21:9", "16:9", "4:3", "3:2", "1:1", "2:3", "3:4", "9:16", "9:21"] as const;
export type AspectRatio = (typeof ASPECT_RATIOS)[number];

/** The seed that asks for a random one. */
export const RANDOM_SEED = -1;

/** Drawn seeds lie below this: 31 bits fit every backend we know of. */
export const DRAWN_SEED_LIMIT = 2 ** 31;

/** The API gives no limit for prompts; ours keeps a stray file from being sent as one. In characters. */
const PROMPT_MAX_LENGTH = 32_768;

export const RECIPE_DEFAULTS = {
  model: "Qwen/Qwen-Image",
  negative_prompt: "",
  aspect_ratio: "1:1",
  n: 1,
  seed: RANDOM_SEED,
  steps: 20,
  guidance_scale: 2.5,
} as const;

const wellFormed = (text: string) => text.isWellFormed();

/** The recipe's fields as a producer may write them: all but the prompt may be left out. */
export const recipeFields = {
  prompt: z
    .string()
    .max(PROMPT_MAX_LENGTH)
    .refine((text) => text.trim() !== "", "wanted some text, got an empty prompt")
    .refine(wellFormed, "wanted valid Unicode, got a lone surrogate"),
  model: z
    .string()
    .min(1)
    .max(200)
    .refine(wellFormed, "wanted valid Unicode, got a lone surrogate")
    .default(RECIPE_DEFAULTS.model),
  n: z.int().min(1).max(4).default(RECIPE_DEFAULTS.n),
  aspect_ratio: z.enum(ASPECT_RATIOS).default(RECIPE_DEFAULTS.aspect_ratio),
  seed: z.int().min(RANDOM_SEED).default(RECIPE_DEFAULTS.seed),
  steps: z.int().min(1).max(50).default(RECIPE_DEFAULTS.steps),
  guidance_scale: z.number().min(1).max(10).default(RECIPE_DEFAULTS.guidance_scale),
  negative_prompt: z
    .string()
    .max(PROMPT_MAX_LENGTH)
    .refine(wellFormed, "wanted valid Unicode, got a lone surrogate")
    .default(RECIPE_DEFAULTS.negative_prompt),
};

/** What decides the pixels, every default written out. `seed` is explicit, never -1. */
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

/** The recipe of anything that holds its fields, and nothing else. */
export function toRecipe(fields: Recipe): Recipe {
  const { model, prompt, negative_prompt, aspect_ratio, n, seed, steps, guidance_scale } = fields;
  return { model, prompt, negative_prompt, aspect_ratio, n, seed, steps, guidance_scale };
}

/** SHA-256 of the recipe's canonical JSON: two requests with the same id ask for the same pixels. */
export function recipeId(recipe: Recipe): string {
  const { aspect_ratio, guidance_scale, model, n, negative_prompt, prompt, seed, steps } = recipe;
  // in the order of the canonical form, so that nobody has to sort
  return canonicalDigest({ aspect_ratio, guidance_scale, model, n, negative_prompt, prompt, seed, steps });
}
