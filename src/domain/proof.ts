// The rules for proofs of reproductions. Pure.
import type { Likeness, RequestDetail } from "./records.ts";

/** From best to worst, without `incomparable`. */
const ORDER: readonly Likeness[] = ["identical_bytes", "identical_pixels", "near", "drifted"];

/** The worst outcome of the comparable images; `incomparable` if there is no comparable image. */
export function worstOf(outcomes: readonly Likeness[]): Likeness {
  return outcomes.reduce<Likeness>(
    (worst, one) => (ORDER.indexOf(one) > ORDER.indexOf(worst) ? one : worst),
    "incomparable",
  );
}

/**
 * Why an image cannot prove its recipe, or null. After a short answer, the missing images were made by another call with
 * its own `n` and seed: the recipe itself does not reproduce them.
 */
export function incomparableReason({ request, calls, images }: RequestDetail, index: number): string | null {
  const image = images.find((one) => one.index === index);
  const call = calls.find((one) => one.number === image?.call_number);
  if (call === undefined || request.recipe === null) return null;
  const { n, seed } = request.recipe;
  if (call.n === n && call.seed === seed) return null;
  return `it was made by a call for ${call.n} with seed ${call.seed}, because an answer had brought too few`;
}

/** When the images of a request were made, by the API's clock; if unknown, when they were archived. */
export function generatedAt({ request, generations, images, assets }: RequestDetail): number {
  const used = new Set(images.map((image) => image.call_number));
  const apiTimes = generations.filter((one) => used.has(one.call_number)).map((one) => one.api_created * 1000);
  if (apiTimes.length > 0) return apiTimes.reduce((most, time) => Math.max(most, time));
  const stored = assets.map((asset) => asset.archived_at);
  return stored.length > 0 ? stored.reduce((least, time) => Math.min(least, time)) : request.created_at;
}
