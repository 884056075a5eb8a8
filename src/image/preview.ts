// The preview of an image: its first frame as a small picture in raw pixels, out of which its thumbnail and its perceptual
// hash are made. It comes with the decoding that proves the image, so that nothing is decoded twice.
import type { Preview } from "../pipeline/image-ports.ts";
import { HASH_SIDE, toPerceptualHash } from "./perceptual-hash.ts";
import { loadSharp } from "./sharp.ts";

/** What a preview has at most: 300 × 300 pixels, or 400 × 225. A bound on the longer side would blur what is wide or tall. */
const PREVIEW_PIXELS = 90_000;

/** WebP's quality, and how hard it tries: 1 takes half the time of the default for files that are a twentieth larger. */
const QUALITY = 75;
const EFFORT = 1;

/** The size of the preview of an image of that size: the same shape, and never larger than the image. */
export function previewSize({ width, height }: { width: number; height: number }): { width: number; height: number } {
  const scale = Math.min(1, Math.sqrt(PREVIEW_PIXELS / (width * height)));
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
}

/** The first of the frames that lie below one another in `pixels`. */
export function firstFrame(pixels: Buffer, size: { width: number; height: number; channels: number }): Preview {
  const { width, height, channels } = size;
  return {
    width,
    height,
    channels: channels as Preview["channels"],
    pixels: pixels.subarray(0, width * height * channels),
  };
}

/** The preview as a WebP of some 15 KB. */
export async function toThumbnail({ pixels, width, height, channels }: Preview): Promise<Buffer> {
  const open = await loadSharp();
  return open(pixels, { raw: { width, height, channels } }).webp({ quality: QUALITY, effort: EFFORT }).toBuffer();
}

/** The perceptual hash of the picture as it looks on white, 16 hex digits. */
export function hashOf(preview: Preview): string {
  return toPerceptualHash(shrink(preview));
}

// the mean of each of 32 × 32 fields; a preview that has fewer pixels than that gives some of them twice
function shrink({ pixels, width, height, channels }: Preview): Uint8Array {
  const luma = new Uint8Array(HASH_SIDE * HASH_SIDE);
  for (let row = 0; row < HASH_SIDE; row++) {
    const [top, bottom] = cellOf(row, height);
    for (let column = 0; column < HASH_SIDE; column++) {
      const [left, right] = cellOf(column, width);
      let sum = 0;
      for (let y = top; y < bottom; y++)
        for (let x = left; x < right; x++) sum += greyOf(pixels, (y * width + x) * channels, channels);
      luma[row * HASH_SIDE + column] = Math.round(sum / ((bottom - top) * (right - left)));
    }
  }
  return luma;
}

function cellOf(index: number, side: number): [from: number, to: number] {
  const from = Math.floor((index * side) / HASH_SIDE);
  return [from, Math.max(from + 1, Math.floor(((index + 1) * side) / HASH_SIDE))];
}

// ITU-R BT.601
function greyOf(pixels: Buffer, at: number, channels: number): number {
  const red = pixels[at] ?? 0;
  const grey = channels < 3 ? red : 0.299 * red + 0.587 * (pixels[at + 1] ?? 0) + 0.114 * (pixels[at + 2] ?? 0);
  if (channels % 2 === 1) return grey;
  const alpha = (pixels[at + channels - 1] ?? 255) / 255;
  return grey * alpha + 255 * (1 - alpha);
}
