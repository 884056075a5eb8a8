// The rules of the recipe's fields, as the schema that checks them. The recipe's own types stand beside it without the schema
// library, since the client's types need them.
import * as z from "zod";
import { ASPECT_RATIOS, RANDOM_SEED, RECIPE_DEFAULTS } from "./recipe.ts";

/** The API gives no limit for prompts; ours keeps a stray file from being sent as one. In characters. */
const PROMPT_MAX_LENGTH = 32_768;

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
