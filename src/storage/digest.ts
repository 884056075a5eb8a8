// Hashing in slices, so that the event loop is not blocked.
import { createHash } from "node:crypto";
import { setImmediate as nextTurn } from "node:timers/promises";

// a slice takes one to two milliseconds of MD5
const SLICE_BYTES = 1024 * 1024;

/** The MD5 of `bytes`, lower-case hex: S3's ETag of a single-part upload. */
export async function md5Of(bytes: Buffer): Promise<string> {
  const hash = createHash("md5");
  for (let at = 0; at < bytes.length; at += SLICE_BYTES) {
    if (at > 0) await nextTurn();
    hash.update(bytes.subarray(at, at + SLICE_BYTES));
  }
  return hash.digest("hex");
}

/** Size and SHA-256 (lower-case hex) of a stream; holds one chunk at a time. */
export async function measureBytes(chunks: AsyncIterable<Uint8Array>): Promise<{ bytes: number; digest: string }> {
  const hash = createHash("sha256");
  let bytes = 0;
  for await (const chunk of chunks) {
    hash.update(chunk);
    bytes += chunk.length;
  }
  return { bytes, digest: hash.digest("hex") };
}
