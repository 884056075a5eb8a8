// Suggests the name that was probably meant. Pure.

/** The candidate nearest to `name`, or undefined if all are more than `limit` edits away (default: a third of its length, at least 2). */
export function nearest(
  name: string,
  candidates: readonly string[],
  limit = Math.max(2, Math.floor(name.length / 3)),
): string | undefined {
  const ranked = candidates
    // the difference in length is a lower bound: skips the computation for a "name" of a million characters
    .filter((candidate) => Math.abs(candidate.length - name.length) <= limit)
    .map((candidate) => ({ candidate, distance: editDistance(name.toLowerCase(), candidate.toLowerCase()) }))
    .filter(({ distance }) => distance <= limit)
    .sort((a, b) => a.distance - b.distance);
  return ranked[0]?.candidate;
}

/** Levenshtein's distance: the fewest single-character edits from one to the other. */
function editDistance(from: string, to: string): number {
  let previous = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let row = 1; row <= from.length; row++) {
    const current = [row];
    for (let column = 1; column <= to.length; column++) {
      const substituted = (previous[column - 1] ?? 0) + (from[row - 1] === to[column - 1] ? 0 : 1);
      current.push(Math.min(substituted, (previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1));
    }
    previous = current;
  }
  return previous[to.length] ?? 0;
}
