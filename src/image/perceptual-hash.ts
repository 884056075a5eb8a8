// The perceptual hash of an image: 64 bits that stay nearly the same when it is scaled, re-encoded or slightly changed, so
// that the number of differing bits says how alike two images look. Pure.

/** The hash is made of so many by so many grey values. */
export const HASH_SIDE = 32;

/** Frequencies a side that the hash keeps: 8 × 8 bits. */
const FREQUENCIES = 8;

/** COSINES[u][x] of the discrete cosine transform, without its constant factors: only the order of the results counts. */
const COSINES = Array.from({ length: FREQUENCIES }, (_, u) =>
  Array.from({ length: HASH_SIDE }, (_, x) => Math.cos(((2 * x + 1) * u * Math.PI) / (2 * HASH_SIDE))),
);

/**
 * 16 hex digits for 32 × 32 grey values, row by row: which of the 64 lowest frequencies of the picture lie above their
 * median (pHash after Krawetz, https://www.hackerfactor.com/blog/index.php?/archives/432-Looks-Like-It.html). Throws a
 * RangeError for another number of values.
 */
export function toPerceptualHash(luma: Uint8Array): string {
  if (luma.length !== HASH_SIDE * HASH_SIDE)
    throw new RangeError(`Cannot hash ${luma.length} grey values, wanted ${HASH_SIDE * HASH_SIDE}`);
  const frequencies = transform(luma);
  // the first one is the mean brightness: it would only shift the median
  const middle = medianOf(frequencies.slice(1));
  let hash = 0n;
  for (const value of frequencies) hash = (hash << 1n) | (value > middle ? 1n : 0n);
  return hash.toString(16).padStart(16, "0");
}

/** In how many of their 64 bits two hashes differ: 0 for the same picture, about 32 for two that have nothing in common. */
export function hashDistance(one: string, other: string): number {
  return (
    distanceOf(Number.parseInt(one.slice(0, 8), 16), Number.parseInt(other.slice(0, 8), 16)) +
    distanceOf(Number.parseInt(one.slice(8), 16), Number.parseInt(other.slice(8), 16))
  );
}

/** One among many hashes: which one, counted from 0, and how far it is from the one that was asked for. */
export interface NearHash {
  at: number;
  distance: number;
}

/**
 * Those of many hashes that are at most `maxDistance` away from `wanted`, in their order. `hashes` holds them as bytes, 8
 * each: a million are looked through in some milliseconds, where a million strings take a hundred times as long.
 */
export function findNear(hashes: Uint8Array, wanted: string, maxDistance: number): NearHash[] {
  // a copy, since words must begin at a multiple of their size; which end of a word comes first makes no difference
  const words = new Uint32Array(Uint8Array.from(hashes).buffer);
  const [first = 0, second = 0] = new Uint32Array(Uint8Array.from(Buffer.from(wanted, "hex")).buffer);
  const near: NearHash[] = [];
  for (let at = 0; at * 2 < words.length; at++) {
    const distance = distanceOf(words[at * 2] ?? 0, first) + distanceOf(words[at * 2 + 1] ?? 0, second);
    if (distance <= maxDistance) near.push({ at, distance });
  }
  return near;
}

// rows first, then columns; only the low frequencies are ever computed
function transform(luma: Uint8Array): number[] {
  const rows = COSINES.map((cosines) =>
    Array.from({ length: HASH_SIDE }, (_, y) => {
      let sum = 0;
      for (let x = 0; x < HASH_SIDE; x++) sum += (luma[y * HASH_SIDE + x] ?? 0) * (cosines[x] ?? 0);
      return sum;
    }),
  );
  return COSINES.flatMap((cosines) =>
    rows.map((row) => {
      let sum = 0;
      for (let y = 0; y < HASH_SIDE; y++) sum += (row[y] ?? 0) * (cosines[y] ?? 0);
      // what is left of frequencies that are not there must not decide bits
      return Math.round(sum * 1000);
    }),
  );
}

function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? 0;
}

// counts the bits of two 32-bit numbers that differ, all at once (Hacker's Delight, section 5-1)
function distanceOf(one: number, other: number): number {
  let bits = one ^ other;
  bits -= (bits >>> 1) & 0x55555555;
  bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333);
  bits = (bits + (bits >>> 4)) & 0x0f0f0f0f;
  return Math.imul(bits, 0x01010101) >>> 24;
}
