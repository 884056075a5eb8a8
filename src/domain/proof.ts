// What proofs of reproductions are judged by. Pure.
import type { Likeness, RequestDetail } from "./records.ts";

/** From best to worst; `incomparable` stands outside. */
const ORDER: readonly Likeness[] = ["identical_bytes", "identical_pixels", "near", "drifted"];

/** The worst of what could be compared; `incomparable` where nothing could. */
export function worstOf(outcomes: readonly Likeness[]): Likeness {
  return outcomes.reduce<Likeness>(
    (worst, one) => (ORDER.indexOf(one) > ORDER.indexOf(worst) ? one : worst),
    "incomparable",
  );
}

/**
 * Why an image is no witness of its recipe, or null. Where an answer brought fewer images than were asked for, the others
 * were made by a call with a number and a seed of its own: the recipe as it stands never makes them again.
 */
export function incomparableReason({ request, calls, images }: RequestDetail, index: number): string | null {
  const image = images.find((one) => one.index === index);
  const call = calls.find((one) => one.number === image?.call_number);
  if (call === undefined || request.recipe === null) return null;
  const { n, seed } = request.recipe;
  if (call.n === n && call.seed === seed) return null;
  return `it was made by a call for ${call.n} with seed ${call.seed}, because an answer had brought too few`;
}

/** When the images of a request were made, by the API's clock; where it never told, when they were archived. */
export function generatedAt({ request, generations, images, assets }: RequestDetail): number {
  const used = new Set(images.map((image) => image.call_number));
  const apiTimes = generations.filter((one) => used.has(one.call_number)).map((one) => one.api_created * 1000);
  if (apiTimes.length > 0) return apiTimes.reduce((most, time) => Math.max(most, time));
  const stored = assets.map((asset) => asset.archived_at);
  return stored.length > 0 ? stored.reduce((least, time) => Math.min(least, time)) : request.created_at;
}
