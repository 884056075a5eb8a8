// The dice of the sandbox: small, seeded, the same on every machine. Not for secrets.

/** The next number, 0 ≤ x < 1. */
export type Random = () => number;

/** A generator (sfc32) whose numbers follow from `seed` alone: at least 32 hex digits, such as a SHA-256. */
export function createRandom(seed: string): Random {
  let a = Number.parseInt(seed.slice(0, 8), 16) | 0;
  let b = Number.parseInt(seed.slice(8, 16), 16) | 0;
  let c = Number.parseInt(seed.slice(16, 24), 16) | 0;
  let counter = Number.parseInt(seed.slice(24, 32), 16) | 0;
  return () => {
    const next = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + next) | 0;
    return (next >>> 0) / 2 ** 32;
  };
}

/** A number from `low` up to `high`. */
export function between(random: Random, range: readonly [low: number, high: number]): number {
  return range[0] + (range[1] - range[0]) * random();
}

/** A whole number, both ends included. */
export function integer(random: Random, range: readonly [low: number, high: number]): number {
  return range[0] + Math.floor(random() * (range[1] - range[0] + 1));
}

/** One of the entries. Throws a RangeError when there is none. */
export function pick<T>(random: Random, entries: readonly T[]): T {
  const entry = entries[Math.floor(random() * entries.length)];
  if (entry === undefined) throw new RangeError("Cannot pick from an empty list");
  return entry;
}
