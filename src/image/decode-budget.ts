// The memory budget for decoding, for the whole process. A file of 38 bytes can decode to a gigabyte, so the size in the header
// is checked and reserved before decoding.
import { RejectedError } from "../domain/errors.ts";
import { createByteSemaphore } from "../pipeline/byte-semaphore.ts";

/**
 * The maximum pixels of an image, all frames together: 8K (7680 × 4320), eight times the largest image that an image API makes
 * today (2048 × 2048). Larger images are refused without decoding.
 */
export const MAX_PIXELS = 2 ** 25;

/** The maximum decoded bytes held by this process: an 8K image of four channels that must be held twice. */
export const DECODED_BYTES_MAX = 2 ** 28;

/** A decoder is stopped after this many seconds. The largest image takes about three. */
export const DECODE_TIMEOUT_S = 60;

/** The facts of a header that determine the decoder's memory. */
export interface DecodeSize {
  /** Of one frame. */
  width: number;
  height: number;
  frames: number;
  channels: number;
  /** Of one channel: 1 or 2. */
  bytesPerChannel: number;
  /** The decoder holds the image twice: interlaced PNG, progressive JPEG, WebP. */
  heldTwice: boolean;
}

const budget = createByteSemaphore(DECODED_BYTES_MAX);

/** An upper bound of the decoder's memory, in bytes. Throws RejectedError `decoded_too_large` over the limits. */
export function decodedBytes(size: DecodeSize): number {
  const { width, height, frames, channels, bytesPerChannel, heldTwice } = size;
  const pixels = width * height * frames;
  const bytes = pixels * channels * bytesPerChannel * (heldTwice ? 2 : 1);
  if (pixels <= MAX_PIXELS && bytes <= DECODED_BYTES_MAX) return bytes;
  const shape = `${width} × ${height}${frames > 1 ? ` × ${frames} frames` : ""}`;
  const limits = `at most ${MAX_PIXELS} pixels and ${DECODED_BYTES_MAX} decoded bytes`;
  throw new RejectedError(`Cannot decode the image: it is ${shape}, ${bytes} bytes decoded, expected ${limits}`, {
    code: "decoded_too_large",
  });
}

/**
 * Runs `work` with `bytes` of the budget reserved, first come, first served. `exclusive` reserves the whole budget, so that
 * nothing else is decoded meanwhile.
 */
export async function withinDecodeBudget<T>(
  { bytes, exclusive = false }: { bytes: number; exclusive?: boolean | undefined },
  work: () => Promise<T>,
): Promise<T> {
  const lease = budget.open();
  try {
    await lease.acquire(exclusive ? DECODED_BYTES_MAX : bytes);
    return await work();
  } finally {
    lease.release();
  }
}

/** Decoded bytes reserved now. */
export const decodedBytesHeld = budget.held;
