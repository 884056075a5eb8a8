// What an image says of itself before it is decoded: its size, what decoding it takes, and how its picture is turned.
import { DECODE_TIMEOUT_S, type DecodeSize, decodedBytes, MAX_PIXELS } from "./decode-budget.ts";
import { type Orientation, toOrientation } from "./orientation.ts";
import { readPngHeader } from "./png.ts";
import { loadSharp } from "./sharp.ts";
import { findType } from "./type.ts";

export interface ImageHeader extends DecodeSize {
  /** How viewers turn what the rows say (EXIF). */
  orientation: Orientation;
  isAnimatedPng: boolean;
  /** An upper bound of what decoding takes. */
  decodedBytes: number;
}

/**
 * How bytes are handed to the decoder. "error" and not "warning": an image that every viewer shows must not be lost over a
 * stray byte between markers.
 */
export const DECODE_OPTIONS = { failOn: "error", limitInputPixels: MAX_PIXELS, animated: true } as const;

/** A decoder with its time limit. */
export async function openImage(bytes: Buffer, options: { sequentialRead?: boolean } = {}) {
  return (await loadSharp())(bytes, { ...DECODE_OPTIONS, ...options }).timeout({ seconds: DECODE_TIMEOUT_S });
}

/** Reads the header. Throws RejectedError `decoded_too_large`, and what the decoder throws. */
export async function readHeader(bytes: Buffer): Promise<ImageHeader> {
  // the decoder's own look at the header costs the loop a fifth of a millisecond, and most images are PNGs
  const png = findType(bytes)?.extension === "png" ? readPngHeader(bytes) : undefined;
  const isAnimatedPng = png?.isAnimated ?? false;
  const needsDecoder = png === undefined || png.hasExif;
  const found = needsDecoder ? await askDecoder(bytes) : { ...png, orientation: 1 as const };
  const size = png === undefined ? found : { ...png, orientation: found.orientation };
  return { ...size, isAnimatedPng, decodedBytes: decodedBytes(size) };
}

// it reads no pixels, so that the limit on them is applied by decodedBytes, which says what was wrong
async function askDecoder(bytes: Buffer): Promise<DecodeSize & { orientation: Orientation }> {
  const image = (await loadSharp())(bytes, { ...DECODE_OPTIONS, limitInputPixels: false });
  const { format, width, height, pages = 1, pageHeight, ...meta } = await image.metadata();
  const isWebp = format === "webp";
  return {
    width,
    height: pageHeight ?? height,
    frames: pages,
    // the WebP decoder always makes four
    channels: isWebp ? 4 : meta.channels,
    bytesPerChannel: meta.depth === "uchar" ? 1 : 2,
    heldTwice: isWebp || meta.isProgressive,
    orientation: toOrientation(meta.orientation),
  };
}
