// Reproductions and their proofs as text for a person. Pure.
import type { Likeness, Proof, RequestDetail } from "../../domain/records.ts";
import { plain } from "../text.ts";

/** As it is said: `identical bytes`, `near`. */
export function likenessText(outcome: Likeness): string {
  return outcome.replace("_", " ");
}

/** A reproduction, and how each of its images compares. */
export function reproductionLines({ request, proof }: RequestDetail): string[] {
  const { request_id, reproduces, state, error } = request;
  if (proof !== null) return [`${reproduces}  ${likenessText(proof.outcome)}  as ${request_id}`, ...proofLines(proof)];
  const why = error === null ? "" : `  ${error.code}: ${plain(error.message)}`;
  return [`${reproduces}  ${state}, not compared  as ${request_id}${why}`];
}

/** One line for each image. */
export function proofLines({ images }: Proof): string[] {
  return images.map(({ index, outcome, distance, mean_error, reason }) => {
    const facts = [
      ...(distance === null ? [] : [`distance ${distance} of 64`]),
      ...(mean_error === null ? [] : [`mean error ${Number(mean_error.toPrecision(3))}`]),
      ...(reason === null ? [] : [plain(reason)]),
    ];
    return `  image ${index}  ${likenessText(outcome)}${facts.length === 0 ? "" : `  ${facts.join(", ")}`}`;
  });
}
