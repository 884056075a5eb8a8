// What makes a night repeatable: seeds and request ids that an item's own content decides, never its place in the file
// or the time of the run. Pure.
import { hash } from "node:crypto";
import { canonicalJson } from "../../domain/request/canonical-json.ts";
import { DRAWN_SEED_LIMIT } from "../../domain/request/recipe.ts";
import { contentHash, type Submission } from "../../domain/request/submission.ts";
import type { ManifestSubmission } from "./entry.ts";

/** A settled submission, and the digest of its content that its id was made of. */
export interface Identified {
  submission: ManifestSubmission;
  contentHash: string;
}

/**
 * The submissions of one item, seeds and ids settled.
 *
 * | the item says | its seeds | ids |
 * |---|---|---|
 * | `seed: 42` | 42 | its own, or `m-<content>` |
 * | `seed: -1` | drawn once, when the request is first accepted | the same |
 * | nothing | number 1 of its recipe | the same |
 * | `seeds: 5` | numbers 1 to 5 of its recipe | the same, its own followed by `-1` to `-5` |
 *
 * Number k of a recipe is made of the recipe without its seed, and of k: other items, tags or collections change nothing,
 * and more seeds only add to those that were.
 */
export function* identify(
  submission: Submission,
  options: { seeds: number | undefined; seedGiven: boolean },
): Generator<Identified> {
  if (options.seedGiven) {
    yield withId(submission, submission.request_id);
    return;
  }
  const { request_id } = submission;
  let number = 1;
  for (const seed of seedsOf(submission, options.seeds ?? 1)) {
    const id = request_id === undefined || options.seeds === undefined ? request_id : `${request_id}-${number++}`;
    yield withId({ ...submission, seed }, id);
  }
}

function withId(submission: Submission, requestId: string | undefined): Identified {
  const content = contentHash(submission);
  return {
    submission: { ...submission, request_id: requestId ?? `m-${content.slice(0, 32)}` },
    contentHash: content,
  };
}

/** `count` different seeds of a recipe, below 2³¹. */
function seedsOf(submission: Submission, count: number): Set<number> {
  const { model, prompt, negative_prompt, aspect_ratio, n, steps, guidance_scale } = submission;
  const recipe = canonicalJson({ model, prompt, negative_prompt, aspect_ratio, n, steps, guidance_scale });
  const seeds = new Set<number>();
  // two of one recipe that meet would be one picture: the later one moves on
  for (let draw = 1; seeds.size < count; draw++) seeds.add(seedOf(recipe, draw));
  return seeds;
}

function seedOf(recipe: string, draw: number): number {
  return Number.parseInt(hash("sha256", `${recipe}\n${draw}`).slice(0, 8), 16) % DRAWN_SEED_LIMIT;
}
