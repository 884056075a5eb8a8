// The border: from whatever a producer sent to a Request, or every fault at once. Pure, but for the randomness handed in.
import { z } from "zod";
import { type Fault, RejectedError } from "../errors.ts";
import { canonicalDigest, type Json } from "./canonical-json.ts";
import { toFaults } from "./faults.ts";
import { DRAWN_SEED_LIMIT, RANDOM_SEED, type Recipe, recipeFields, recipeId, toRecipe } from "./recipe.ts";
import { REQUEST_ID_PATTERN } from "./request-id.ts";
import { findUnsound } from "./soundness.ts";

/** Metadata may be any JSON up to this many bytes of UTF-8. */
const METADATA_MAX_BYTES = 16 * 1024;

/** The job form of queue "generate", as published. Unknown fields are faults: a misspelt one must not cost money. */
export const submissionSchema = z.strictObject({
  request_id: z
    .string()
    .regex(REQUEST_ID_PATTERN, 'wanted 1 to 100 of the characters A-Z a-z 0-9 . _ - (":" is BullMQ\'s own)')
    .optional(),
  ...recipeFields,
  response_format: z.enum(["url", "b64_json"]).default("url"),
  collection: z.string().min(1).max(100).default("default"),
  tags: z.array(z.string().min(1).max(100)).max(50).default([]),
  metadata: z
    .json()
    .refine((value) => utf8Length(value) <= METADATA_MAX_BYTES, `wanted at most ${METADATA_MAX_BYTES} bytes of JSON`)
    .default({}),
  reuse: z.boolean().default(true),
  webhook_url: z
    .url({ protocol: /^https?$/, error: "wanted an http or https URL" })
    .max(2000)
    .optional(),
});

/** What a producer may send. */
export type SubmissionInput = z.input<typeof submissionSchema>;
/** The same, checked, with all defaults but the seed's written out. */
export type Submission = z.output<typeof submissionSchema>;

/** What somebody asks for, ready to be recorded: the recipe is complete and the seed explicit. */
export interface Request {
  request_id: string;
  recipe_id: string;
  recipe: Recipe;
  /** True when the producer named the seed: only then is an archived recipe answered from the catalog. */
  seed_given: boolean;
  response_format: "url" | "b64_json";
  collection: string;
  tags: string[];
  metadata: Json;
  reuse: boolean;
  webhook_url: string | null;
  /** SHA-256 of what was asked for, before a seed was drawn: tells a repeat from another request under the same id. */
  content_hash: string;
}

/** Checks what a producer sent. Throws a RejectedError `invalid_request` that names every fault. */
export function parseSubmission(data: unknown): Submission {
  const unsound = findUnsound(data);
  if (unsound !== undefined) throw invalidRequest([unsound]);
  const parsed = submissionSchema.safeParse(data);
  if (parsed.success) return parsed.data;
  throw invalidRequest(toFaults(parsed.error, data, Object.keys(submissionSchema.shape)));
}

function invalidRequest(faults: readonly Fault[]): RejectedError {
  return new RejectedError(describeFaults(faults), { code: "invalid_request", faults });
}

/**
 * Makes the request of a checked submission. `random` (0 ≤ x < 1) draws the seed where none was named. `contentHash` is that
 * of the submission, where somebody has reckoned it already.
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
    // the catalog has no word for a JSON null: nothing to find beside the picture is an empty object
    metadata: metadata ?? {},
    reuse,
    webhook_url: submission.webhook_url ?? null,
    content_hash: options.contentHash ?? contentHash(submission),
  };
}

/** More faults than this are counted and not named: a list of a million tags has one fault, not a million. */
const NAMED_FAULTS = 50;

/** One line that names every fault. */
export function describeFaults(faults: readonly Fault[]): string {
  const named = faults.slice(0, NAMED_FAULTS).map((fault) => `${fault.field}: ${fault.message}`);
  const more = faults.length > NAMED_FAULTS ? `; and ${faults.length - NAMED_FAULTS} more` : "";
  return `The request does not fit: ${named.join("; ")}${more}`;
}

/** SHA-256 of what was asked for, whatever its id. */
export function contentHash(submission: Submission): string {
  // in the order of the canonical form, so that nobody has to sort
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
