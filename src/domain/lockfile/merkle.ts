// Merkle trees after RFC 9162, section 2.1.1 (the trees of RFC 6962): SHA-256, with a prefix byte that separates leaves
// from nodes, so that a leaf cannot be presented as a node. https://www.rfc-editor.org/rfc/rfc9162#section-2.1.1 Pure.
import { createHash } from "node:crypto";

const LEAF = Buffer.of(0x00);
const NODE = Buffer.of(0x01);

/** SHA-256 of 0x00 and the leaf's bytes. */
export function leafHash(leaf: string | Uint8Array): Buffer {
  return createHash("sha256").update(LEAF).update(leaf).digest();
}

/**
 * The root over leaf hashes in their order; without leaves it is the SHA-256 of the empty string. The RFC splits at the
 * largest power of two below the number of leaves: equivalent to joining neighbours of equal height as they come, and the
 * remaining ones from right to left at the end.
 */
export function merkleRoot(leafHashes: Iterable<Uint8Array>): Buffer {
  const peaks: { hash: Uint8Array; height: number }[] = [];
  for (const hash of leafHashes) {
    peaks.push({ hash, height: 0 });
    while (peaks.length > 1 && peaks.at(-1)?.height === peaks.at(-2)?.height) joinLast(peaks);
  }
  while (peaks.length > 1) joinLast(peaks);
  const root = peaks[0]?.hash;
  return root === undefined ? createHash("sha256").digest() : Buffer.from(root);
}

function joinLast(peaks: { hash: Uint8Array; height: number }[]): void {
  const [left, right] = peaks.splice(-2);
  if (left === undefined || right === undefined) return;
  const hash = createHash("sha256").update(NODE).update(left.hash).update(right.hash).digest();
  peaks.push({ hash, height: Math.max(left.height, right.height) + 1 });
}
