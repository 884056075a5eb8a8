// The memory that decoding may take: one budget for the whole process, whatever decodes. An image says in its first bytes
// how large it is, and a file of 38 bytes can decode to a gigabyte, so the size is checked and reserved before any decoding.
import { RejectedError } from "../domain/errors.ts";
import { createByteSemaphore } from "../pipeline/byte-semaphore.ts";

/**
 * Most pixels of an image, all frames together: 8K (7680 × 4320), eight times the largest picture that an image API makes
 * today (2048 × 2048). Larger images are refused undecoded.
 */
export const MAX_PIXELS = 2 ** 25;

/** Decoded bytes in hand at a time in this process: an 8K picture of four channels that has to be held twice. */
export const DECODED_BYTES_MAX = 2 ** 28;

/** A decoder that has not finished after so many seconds is stopped. The largest picture takes some three. */
export const DECODE_TIMEOUT_S = 60;

/** What a header says that decides how much memory the decoder takes. */
export interface DecodeSize {
  /** Of one frame. */
  width: number;
  height: number;
  frames: number;
  channels: number;
  /** Of one channel: 1 or 2. */
  bytesPerChannel: number;
  /** The decoder holds the picture twice: interlaced PNG, progressive JPEG, WebP. */
  heldTwice: boolean;
}

const budget = createByteSemaphore(DECODED_BYTES_MAX);

/** An upper bound of what decoding takes, in bytes. Throws RejectedError `decoded_too_large` for more than may be decoded. */
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
 * Does `work` while `bytes` of the budget are reserved for it, first come, first served. `exclusive` reserves all of it, so
 * that nothing else is decoded meanwhile.
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

/** Decoded bytes that are reserved now. */
export const decodedBytesHeld = budget.held;
