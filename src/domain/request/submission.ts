// From the data of a producer to a Request, or to all its faults. Pure; randomness is a parameter.
import * as z from "zod";

import { type Fault, RejectedError } from "../errors.ts";
import { canonicalDigest, type Json } from "./canonical-json.ts";
import { toFaults } from "./faults.ts";
import { hasUserinfo } from "./http-url.ts";
import { findUnsafeValues, MAX_FAULTS } from "./json-safety.ts";
import type { JsonText } from "./json-text.ts";
import { DRAWN_SEED_LIMIT, RANDOM_SEED, type Recipe, recipeId, toRecipe } from "./recipe.ts";
import { recipeFields } from "./recipe-fields.ts";
import { REQUEST_ID_PATTERN } from "./request-id.ts";

/** Metadata may be any JSON up to this many bytes of UTF-8. */
const METADATA_MAX_BYTES = 16 * 1024;
const METADATA_TOO_LARGE = `wanted at most ${METADATA_MAX_BYTES} bytes of JSON`;
const TAGS_MAX = 50;

/** The published job data of queue "generate". Unknown fields are faults: a misspelt field must not cost money. */
export const submissionSchema = z.strictObject({
  request_id: z
    .string()
    .regex(
      REQUEST_ID_PATTERN,
      'wanted 1 to 100 of the characters A-Z a-z 0-9 . _ - (":" is BullMQ\'s own), and neither "." nor ".."',
    )
    .optional(),
  ...recipeFields,
  response_format: z.enum(["url", "b64_json"]).default("url"),
  collection: z.string().min(1).max(100).default("default"),
  tags: z.array(z.string().min(1).max(100)).max(TAGS_MAX).default([]),
  metadata: z
    .json()
    .refine((value) => utf8Length(value) <= METADATA_MAX_BYTES, METADATA_TOO_LARGE)
    .default({}),
  reuse: z.boolean().default(true),
  webhook_url: z
    .url({ protocol: /^https?$/, error: "wanted an http or https URL" })
    .refine((url) => !URL.canParse(url) || !hasUserinfo(new URL(url)), "wanted a URL without user and password")
    // its own message: the usual one quotes the value, which may be a secret
    .max(2000, "wanted at most 2000 characters")
    .optional(),
});

/** What a producer sent, checked, with all defaults but the seed's written out. */
export type Submission = z.output<typeof submissionSchema>;

/** A request, ready to be recorded: the recipe is complete and the seed explicit. */
export interface Request {
  request_id: string;
  recipe_id: string;
  recipe: Recipe;
  /** True if the producer set the seed: only then can the request reuse archived images. */
  seed_given: boolean;
  response_format: "url" | "b64_json";
  collection: string;
  tags: string[];
  metadata: Json;
  reuse: boolean;
  webhook_url: string | null;
  /** SHA-256 of the content before a seed was drawn: distinguishes a repeat from another request with the same id. */
  content_hash: string;
}

/** Parses what a producer sent. Throws a RejectedError `invalid_request` that lists every fault. */
export function parseSubmission(data: unknown): Submission {
  const checked = checkSubmission(data);
  if (!Array.isArray(checked)) return checked;
  throw invalidRequest(checked);
}

const FIELD_NAMES = Object.keys(submissionSchema.shape);

/**
 * The submission, or every fault in it. Unsafe values are found first, since checking the schema recurses; the schema then
 * checks the other fields, so that all faults are reported together. `names` are suggested for misspelt fields.
 */
export function checkSubmission(data: unknown, names: readonly string[] = FIELD_NAMES): Submission | Fault[] {
  const unsafe = findUnsafeValues(data);
  unsafe.push(...findOversized(data, new Set(unsafe.map(topField))));
  if (unsafe.length === 0) {
    const parsed = submissionSchema.safeParse(data);
    return parsed.success ? parsed.data : toFaults(parsed.error, data, names);
  }
  const bad = new Set(unsafe.map(topField));
  if (!isRecord(data) || bad.has("(data)")) return unsafe;
  const rest = Object.fromEntries(Object.entries(data).filter(([name]) => !bad.has(name)));
  const parsed = submissionSchema.safeParse(rest);
  const others = parsed.success ? [] : toFaults(parsed.error, rest, names);
  return [...unsafe, ...others.filter((fault) => !bad.has(topField(fault)))];
}

const topField = ({ field }: Fault) => field.split(".")[0] ?? field;

// the schema would take a second for lists and metadata of a megabyte
function findOversized(data: unknown, bad: ReadonlySet<string>): Fault[] {
  if (!isRecord(data) || bad.has("(data)")) return [];
  const { tags, metadata } = data;
  const faults: Fault[] = [];
  if (Array.isArray(tags) && tags.length > TAGS_MAX)
    faults.push({ field: "tags", message: `wanted at most ${TAGS_MAX} entries, got ${tags.length}` });
  if (typeof metadata === "object" && !bad.has("metadata") && utf8Length(metadata) > METADATA_MAX_BYTES)
    faults.push({ field: "metadata", message: METADATA_TOO_LARGE });
  return faults;
}

function isRecord(data: unknown): data is Record<string, unknown> {
  return typeof data === "object" && data !== null && !Array.isArray(data);
}

/**
 * The value of a JSON text without loss. Throws a RejectedError `invalid_request` with every part that would be altered, and
 * with the faults that `check` finds in the other fields.
 */
export function requireExact(
  { value, faults }: JsonText,
  check: (value: unknown) => unknown = checkSubmission,
): unknown {
  if (faults.length === 0) return value;
  const bad = new Set(faults.map(topField));
  const checked = check(value);
  const others = Array.isArray(checked) ? (checked as Fault[]).filter((fault) => !bad.has(topField(fault))) : [];
  throw invalidRequest([...faults, ...others]);
}

/** The error of an invalid submission. It lists at most MAX_FAULTS faults; the message has the total. */
export function invalidRequest(faults: readonly Fault[]): RejectedError {
  return new RejectedError(describeFaults(faults), { code: "invalid_request", faults: faults.slice(0, MAX_FAULTS) });
}

/**
 * Makes the request of a checked submission. `random` (0 ≤ x < 1) draws the seed if none was set. `contentHash` is the
 * submission's, if it is known already.
 */
export function toRequest(
  submission: Submission,
  options: { requestId: string; random: () => number; contentHash?: string },
): Request {
  const seed_given = submission.seed !== RANDOM_SEED;
  const seed = seed_given ? submission.seed : Math.floor(options.random() * DRAWN_SEED_LIMIT);
  const recipe = { ...toRecipe(submission), seed };
  const { response_format, collection, tags, metadata, reuse } = submission;
  return {
    request_id: options.requestId,
    recipe_id: recipeId(recipe),
    recipe,
    seed_given,
    response_format,
    collection,
    tags,
    // the catalog has no JSON null here: no metadata is an empty object
    metadata: metadata ?? {},
    reuse,
    webhook_url: submission.webhook_url ?? null,
    content_hash: options.contentHash ?? contentHash(submission),
  };
}

/** All faults in one line. */
export function describeFaults(faults: readonly Fault[]): string {
  const named = faults.slice(0, MAX_FAULTS).map((fault) => `${fault.field}: ${fault.message}`);
  const more = faults.length > MAX_FAULTS ? `; and ${faults.length - MAX_FAULTS} more` : "";
  return `The request does not fit: ${named.join("; ")}${more}`;
}

/** SHA-256 of the content, without the id. */
export function contentHash(submission: Submission): string {
  // in canonical order, which avoids sorting
  const content = {
    aspect_ratio: submission.aspect_ratio,
    collection: submission.collection,
    guidance_scale: submission.guidance_scale,
    metadata: submission.metadata,
    model: submission.model,
    n: submission.n,
    negative_prompt: submission.negative_prompt,
    prompt: submission.prompt,
    response_format: submission.response_format,
    reuse: submission.reuse,
    seed: submission.seed,
    steps: submission.steps,
    tags: submission.tags,
    webhook_url: submission.webhook_url ?? null,
  } satisfies Record<Exclude<keyof Submission, "request_id">, Json>;
  return canonicalDigest(content);
}

function utf8Length(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}
