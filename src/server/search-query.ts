// The query of the listings: every filter of a search by its name, checked, and as the catalog wants it.
import { z } from "zod";
import type { SearchQuery } from "../catalog/search/search.ts";
import { ASPECT_RATIOS } from "../domain/request/recipe.ts";
import { parseSize, parseTime } from "../domain/units.ts";
import { requestState } from "./schemas.ts";

const whole = z.number().int().min(0);
const pixels = whole.optional();
const hex = (description: string) =>
  z
    .string()
    .regex(/^[0-9a-f]{1,64}$/i, "wanted 1 to 64 hexadecimal digits")
    .optional()
    .describe(description);
const time = (description: string) =>
  z
    .string()
    .refine((text) => parseTime(text) !== undefined, "wanted a day (2026-11-23) or a time in ISO 8601")
    .optional()
    .describe(description);
const size = z
  .string()
  .refine((text) => toBytes(text) !== undefined, "wanted a size such as 500KB or 2MiB")
  .optional()
  .describe("such as 500KB or 2MiB");
const name = z.string().max(200).optional();
const text = z.string().max(10_000).optional();

/** One for all listings. */
export const searchQuery = z.object({
  text: z
    .string()
    .max(2_000)
    .optional()
    .describe('words of the prompts: all of them; "red fox" side by side, fo* as a beginning, -cat not there'),
  state: requestState.optional(),
  collection: name,
  tag: z.array(z.string().max(100)).max(50).optional().describe("may be repeated: all of them"),
  batch: name,
  from: time("accepted then or later: a day or a time, in UTC where it names no offset"),
  to: time("accepted before; a day counts whole"),
  model: name,
  prompt: text.describe("this very prompt"),
  negative_prompt: text.describe("this very negative prompt"),
  aspect_ratio: z.enum(ASPECT_RATIOS).optional(),
  n: whole.optional(),
  seed: whole.optional(),
  steps: whole.optional(),
  guidance_scale: z.number().optional(),
  recipe: hex("the recipe id, or its beginning"),
  digest: hex("the digest of an image, or its beginning"),
  type: z.enum(["png", "jpeg", "webp"]).optional(),
  min_bytes: size,
  max_bytes: size,
  min_width: pixels,
  max_width: pixels,
  min_height: pixels,
  max_height: pixels,
  deleted: z.enum(["true", "false"]).optional().describe("true: only those whose deletion was asked for"),
  sort: z
    .enum(["relevance", "newest", "oldest", "manifest"])
    .optional()
    .describe("default: relevance with text, manifest (its order) with batch, else newest"),
  limit: z.number().int().min(1).max(200).default(50),
  cursor: z.string().max(2_000).optional().describe("next_cursor of the page before"),
});

/** The filters as the catalog wants them. */
export function toSearchQuery(given: z.output<typeof searchQuery>): SearchQuery {
  const { tag, from, to, recipe, digest, type, deleted, sort: _, limit: __, cursor: ___, ...rest } = given;
  const { min_bytes, max_bytes, min_width, max_width, min_height, max_height, ...asked } = rest;
  return {
    ...asked,
    tags: tag,
    from: from === undefined ? undefined : parseTime(from, "from"),
    to: to === undefined ? undefined : parseTime(to, "to"),
    recipe: recipe?.toLowerCase(),
    digest: digest?.toLowerCase(),
    content_type: type === undefined ? undefined : `image/${type}`,
    minBytes: min_bytes === undefined ? undefined : toBytes(min_bytes),
    maxBytes: max_bytes === undefined ? undefined : toBytes(max_bytes),
    minWidth: min_width,
    maxWidth: max_width,
    minHeight: min_height,
    maxHeight: max_height,
    deleted: deleted === "true" ? true : undefined,
  };
}

function toBytes(size: string): number | undefined {
  return /^\d{1,15}$/.test(size) ? Number(size) : parseSize(size);
}
