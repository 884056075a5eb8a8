// The preview of an image: its first frame, downscaled, in raw pixels. Its thumbnail and its perceptual hash are made from it.
// It is made while the image is verified, so that nothing is decoded twice.
import type { Preview } from "../pipeline/image-ports.ts";
import { HASH_SIDE, toPerceptualHash } from "./perceptual-hash.ts";
import { loadSharp } from "./sharp.ts";

/** The maximum pixels of a preview: 300 × 300, or 400 × 225. A limit on the longer side would blur wide and tall images. */
const PREVIEW_PIXELS = 90_000;

/** WebP's quality and effort: effort 1 takes half the time of the default, for files 5 % larger. */
const QUALITY = 75;
const EFFORT = 1;

/** The size of an image's preview: the same aspect ratio, and never larger than the image. */
export function previewSize({ width, height }: { width: number; height: number }): { width: number; height: number } {
  const scale = Math.min(1, Math.sqrt(PREVIEW_PIXELS / (width * height)));
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
}

/** The first of the frames stacked vertically in `pixels`. */
export function firstFrame(pixels: Buffer, size: { width: number; height: number; channels: number }): Preview {
  const { width, height, channels } = size;
  return {
    width,
    height,
    channels: channels as Preview["channels"],
    pixels: pixels.subarray(0, width * height * channels),
  };
}

/** The preview as a WebP of about 15 KB. */
export async function toThumbnail({ pixels, width, height, channels }: Preview): Promise<Buffer> {
  const open = await loadSharp();
  return open(pixels, { raw: { width, height, channels } }).webp({ quality: QUALITY, effort: EFFORT }).toBuffer();
}

/** The perceptual hash of the image on a white background, 16 hex digits. */
export function hashOf(preview: Preview): string {
  return toPerceptualHash(shrink(preview));
}

// the mean of each of 32 × 32 cells; a smaller preview uses some pixels twice
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
