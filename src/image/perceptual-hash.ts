// The perceptual hash of an image: 64 bits that hardly change when it is scaled, re-encoded or slightly edited, so that the
// number of differing bits measures how similar two images look. Pure.

/** The hash is computed from a square of this many gray values a side. */
export const HASH_SIDE = 32;

/** The hash has this many frequencies a side: 8 × 8 bits. */
const FREQUENCIES = 8;

/** COSINES[u][x] of the discrete cosine transform, without its constant factors: only the order of the results counts. */
const COSINES = Array.from({ length: FREQUENCIES }, (_, u) =>
  Array.from({ length: HASH_SIDE }, (_, x) => Math.cos(((2 * x + 1) * u * Math.PI) / (2 * HASH_SIDE))),
);

/**
 * 16 hex digits for 32 × 32 gray values, row by row: which of the 64 lowest frequencies of the image are above their median (pHash after Krawetz, https://www.hackerfactor.com/blog/index.php?/archives/432-Looks-Like-It.html). Throws a
 * RangeError for another number of values.
 */
export function toPerceptualHash(luma: Uint8Array): string {
  if (luma.length !== HASH_SIDE * HASH_SIDE)
    throw new RangeError(`Cannot hash ${luma.length} grey values, wanted ${HASH_SIDE * HASH_SIDE}`);
  const frequencies = transform(luma);
  // without the first one, the mean brightness, which would only shift the median
  const middle = medianOf(frequencies.slice(1));
  let hash = 0n;
  for (const value of frequencies) hash = (hash << 1n) | (value > middle ? 1n : 0n);
  return hash.toString(16).padStart(16, "0");
}

/** The number of differing bits of two hashes: 0 for the same image, about 32 for unrelated ones. */
export function hashDistance(one: string, other: string): number {
  return (
    distanceOf(Number.parseInt(one.slice(0, 8), 16), Number.parseInt(other.slice(0, 8), 16)) +
    distanceOf(Number.parseInt(one.slice(8), 16), Number.parseInt(other.slice(8), 16))
  );
}

/** One of many hashes: its index from 0, and its distance from the hash searched for. */
export interface NearHash {
  at: number;
  distance: number;
}

/**
 * The hashes at most `maxDistance` away from `wanted`, in order. `hashes` has 8 bytes each: scanning a million takes some
 * milliseconds, a hundredth of the time for strings.
 */
export function findNear(hashes: Uint8Array, wanted: string, maxDistance: number): NearHash[] {
  // a copy, since words must be aligned; the byte order does not matter
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
      // rounding errors of absent frequencies must not decide bits
      return Math.round(sum * 1000);
    }),
  );
}

function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? 0;
}

// counts the differing bits of two 32-bit numbers (Hacker's Delight, section 5-1)
function distanceOf(one: number, other: number): number {
  let bits = one ^ other;
  bits -= (bits >>> 1) & 0x55555555;
  bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333);
  bits = (bits + (bits >>> 4)) & 0x0f0f0f0f;
  return Math.imul(bits, 0x01010101) >>> 24;
}
