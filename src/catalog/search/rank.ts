// Which of the texts that match is the best: BM25 over a window of the newest matches. Pure.
// FTS5 has a bm25() of its own, and it is not used: it walks every match of every word first, which for a common word in
// a million requests takes longer than a page may.
import { countTerm, type Term } from "./terms.ts";
import { toWords } from "./text.ts";

/** One match. `row_number` grows with the time of acceptance. */
export interface Candidate {
  row_number: number;
  request_id: string;
  prompt: string | null;
  negative_prompt: string | null;
}

/** BM25's usual constants, and the length of a usual prompt in words. */
const K1 = 1.2;
const B = 0.75;
const USUAL_LENGTH = 40;
/** What is not wanted in the picture says little about it. */
const NEGATIVE_WEIGHT = 0.05;

/** Best first; of equals the newest. `weights` has one number for each term that is wanted. */
export function rank<C extends Candidate>(
  candidates: readonly C[],
  query: { terms: readonly Term[]; weights: readonly number[] },
): C[] {
  const wanted = query.terms.filter((term) => !term.not);
  const scored = candidates.map((candidate) => ({ candidate, score: score(candidate, wanted, query.weights) }));
  scored.sort((a, b) => b.score - a.score || b.candidate.row_number - a.candidate.row_number);
  return scored.map(({ candidate }) => candidate);
}

function score(candidate: Candidate, terms: readonly Term[], weights: readonly number[]): number {
  const prompt = toWords(candidate.prompt ?? "");
  const negative = toWords(candidate.negative_prompt ?? "");
  const damping = K1 * (1 - B + (B * prompt.length) / USUAL_LENGTH);
  return terms.reduce((sum, term, at) => {
    const frequency = countTerm(term, prompt) + NEGATIVE_WEIGHT * countTerm(term, negative);
    return sum + (weights[at] ?? 1) * ((frequency * (K1 + 1)) / (frequency + damping));
  }, 0);
}

/** How much a term weighs that stands in `matches` of `all` texts: BM25's inverse document frequency. */
export function toWeight(matches: number, all: number): number {
  const others = Math.max(all - matches, 0);
  return Math.round(Math.log(1 + (others + 0.5) / (matches + 0.5)) * 1000) / 1000;
}
