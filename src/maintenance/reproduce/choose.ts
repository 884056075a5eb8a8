// Which originals a sample re-makes: spread over all of the archive's time, within what it may cost. Pure.
import type { Candidate } from "../../catalog/assets/reproductions.ts";

export interface SampleLimits {
  /** So many originals at most. */
  count: number;
  /** Into so many parts the archive's time was cut. */
  spans: number;
  /** So many images at most, all originals together. */
  maxImages: number;
}

/**
 * Takes one candidate of each span, then a second one of each, and so on until there are enough; what would cost too much
 * is left out. The spans take turns from the ends to the middle and on into halves, so that a small budget, too, sees the
 * whole of the archive's time and not just its beginning.
 */
export function chooseSample(candidates: readonly Candidate[], { count, spans, maxImages }: SampleLimits): Candidate[] {
  const chosen: Candidate[] = [];
  let images = 0;
  for (const candidate of inTurns(candidates, spans)) {
    if (chosen.length === count) break;
    if (images + candidate.n > maxImages) continue;
    images += candidate.n;
    chosen.push(candidate);
  }
  return chosen.sort((a, b) => a.created_at - b.created_at);
}

function* inTurns(candidates: readonly Candidate[], spans: number): Generator<Candidate> {
  const bySpan = Map.groupBy(candidates, (candidate) => candidate.span);
  const rounds = [...bySpan.values()].reduce((most, own) => Math.max(most, own.length), 0);
  const order = spreadOrder(spans);
  for (let round = 0; round < rounds; round++) {
    for (const span of order) {
      const candidate = bySpan.get(span)?.[round];
      if (candidate !== undefined) yield candidate;
    }
  }
}

/** 0 to count - 1: the first, the last, then always the middle of what lies between two that were named. */
export function spreadOrder(count: number): number[] {
  const order = count === 1 ? [0] : [0, count - 1];
  const gaps: [number, number][] = [[0, count - 1]];
  for (let gap = gaps.shift(); gap !== undefined; gap = gaps.shift()) {
    const [low, high] = gap;
    if (high - low < 2) continue;
    const middle = (low + high) >> 1;
    order.push(middle);
    gaps.push([low, middle], [middle, high]);
  }
  return order;
}
