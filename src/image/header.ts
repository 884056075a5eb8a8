// Reads the header of an image: its size, the memory for decoding it, and its orientation.
import { DECODE_TIMEOUT_S, type DecodeSize, decodedBytes, MAX_PIXELS } from "./decode-budget.ts";
import { type Orientation, toOrientation } from "./orientation.ts";
import { readPngHeader } from "./png.ts";
import { loadSharp } from "./sharp.ts";
import { findType } from "./type.ts";

export interface ImageHeader extends DecodeSize {
  /** How viewers rotate it (EXIF). */
  orientation: Orientation;
  isAnimatedPng: boolean;
  /** An upper bound of the decoder's memory. */
  decodedBytes: number;
}

/**
 * The decoder's options. "error" and not "warning": a stray byte between markers must not reject an image that every viewer
 * shows.
 */
export const DECODE_OPTIONS = { failOn: "error", limitInputPixels: MAX_PIXELS, animated: true } as const;

/** A decoder with its time limit. */
export async function openImage(bytes: Buffer, options: { sequentialRead?: boolean } = {}) {
  return (await loadSharp())(bytes, { ...DECODE_OPTIONS, ...options }).timeout({ seconds: DECODE_TIMEOUT_S });
}

/** Reads the header. Throws RejectedError `decoded_too_large`, and the decoder's errors. */
export async function readHeader(bytes: Buffer): Promise<ImageHeader> {
  // sharp's metadata() blocks the event loop for 0.2 ms, and most images are PNGs
  const png = findType(bytes)?.extension === "png" ? readPngHeader(bytes) : undefined;
  const isAnimatedPng = png?.isAnimated ?? false;
  const needsDecoder = png === undefined || png.hasExif;
  const found = needsDecoder ? await askDecoder(bytes) : { ...png, orientation: 1 as const };
  const size = png === undefined ? found : { ...png, orientation: found.orientation };
  return { ...size, isAnimatedPng, decodedBytes: decodedBytes(size) };
}

// without sharp's pixel limit: decodedBytes checks it with a better error
async function askDecoder(bytes: Buffer): Promise<DecodeSize & { orientation: Orientation }> {
  const image = (await loadSharp())(bytes, { ...DECODE_OPTIONS, limitInputPixels: false });
  const { format, width, height, pages = 1, pageHeight, ...meta } = await image.metadata();
  const isWebp = format === "webp";
  return {
    width,
    height: pageHeight ?? height,
    frames: pages,
    // the WebP decoder always outputs four
    channels: isWebp ? 4 : meta.channels,
    bytesPerChannel: meta.depth === "uchar" ? 1 : 2,
    heldTwice: isWebp || meta.isProgressive,
    orientation: toOrientation(meta.orientation),
  };
}
