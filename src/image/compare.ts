// Compares two images: their bytes, their pixels, and if those differ, how similar they look.
// Knows nothing about requests and stores.
import { setImmediate } from "node:timers/promises";
import type { Likeness } from "../domain/records.ts";
import { withinDecodeBudget } from "./decode-budget.ts";
import { type ImageHeader, openImage, readHeader } from "./header.ts";
import { createInspector, decoding } from "./inspect.ts";
import { hashDistance } from "./perceptual-hash.ts";
import { type FrameControl, readApng } from "./png.ts";

/** The result of a comparison. */
export interface Comparison {
  outcome: Exclude<Likeness, "incomparable">;
  /** Bits in which the perceptual hashes of the first frames differ, 0 to 64; null for identical bytes. */
  distance: number | null;
  /** Mean absolute difference of all channels of all frames, 0 to 255; null if the sizes differ, and for identical bytes. */
  mean_error: number | null;
}

/**
 * Images of the same content differ in at most this many of the 64 hash bits: the same recipe on another machine, with another
 * encoder or a slightly different model. Unrelated images differ in about 32 bits, and rarely in fewer than 15.
 */
export const NEAR_MAX_DISTANCE = 10;

/**
 * Up to this mean error images are near, whatever their hashes: in a nearly flat image most frequencies are noise, and
 * invisible differences flip their bits.
 */
const NEAR_MAX_MEAN_ERROR = 2;

/**
 * Compares a reproduction with its original.
 *
 * | same bytes | same size, frames and pixels | distance of the hashes | mean error | outcome |
 * |---|---|---|---|---|
 * | yes | – | – | – | identical_bytes |
 * | no | yes | – | – | identical_pixels |
 * | no | no | at most NEAR_MAX_DISTANCE | – | near |
 * | no | no | more | at most NEAR_MAX_MEAN_ERROR | near |
 * | no | no | more | more, or the sizes differ | drifted |
 *
 * Compares what viewers show, with EXIF orientation applied. The frames of an animated PNG are compared one by one as stored,
 * if both images place them on the canvas in the same way.
 *
 * Throws TransientError `not_an_image` or `image_broken` for invalid bytes, and RejectedError `decoded_too_large` for an image
 * over the limit, which is not decoded.
 */
export async function compareImages(original: Buffer, made: Buffer): Promise<Comparison> {
  if (original.equals(made)) return { outcome: "identical_bytes", distance: null, mean_error: null };
  const [one, other] = [await inspectImage(original), await inspectImage(made)];
  const distance = hashDistance(one.phash, other.phash);
  const mean_error = one.shape === other.shape ? await meanError([one, other]) : null;
  if (mean_error === 0) return { outcome: "identical_pixels", distance, mean_error };
  const isNear = distance <= NEAR_MAX_DISTANCE || (mean_error ?? Number.POSITIVE_INFINITY) <= NEAR_MAX_MEAN_ERROR;
  return { outcome: isNear ? "near" : "drifted", distance, mean_error };
}

interface Decoded {
  bytes: Buffer;
  header: ImageHeader;
  /** Width, height and frames as viewers show them: pixels of the same shape can be compared one by one. */
  shape: string;
  phash: string;
}

const inspect = createInspector({ concurrency: 1 });

/** With the inspector's hash, as in the catalog. */
async function inspectImage(bytes: Buffer): Promise<Decoded> {
  const { phash } = await inspect(bytes);
  const header = await decoding(() => readHeader(bytes));
  const { width, height, frames, orientation } = header;
  const size = isTurned(header) && orientation >= 5 ? [height, width] : [width, height];
  const layout = header.isAnimatedPng ? layoutOf(bytes) : [];
  const turn = isTurned(header) ? 1 : orientation;
  return { bytes, header, shape: JSON.stringify([...size, frames, turn, layout]), phash };
}

// frames are decoded into one tall image, which cannot be rotated
function isTurned({ frames, orientation }: ImageHeader): boolean {
  return frames === 1 && orientation !== 1;
}

function layoutOf(bytes: Buffer): readonly (FrameControl | undefined)[] {
  const { first, frames } = readApng(bytes);
  return [first, ...frames.map(({ png: _, ...control }) => control)];
}

/** 0 if and only if every channel of every pixel is equal. */
function meanError(looks: readonly [Decoded, Decoded]): Promise<number> {
  const deep = looks.some(({ header }) => header.bytesPerChannel > 1);
  // the pixels of both, and the memory for decoding the second one
  const raw = ({ header }: Decoded) => header.width * header.height * header.frames * CHANNELS * (deep ? 2 : 1);
  const bytes = raw(looks[0]) + raw(looks[1]) + Math.max(...looks.map(({ header }) => header.decodedBytes));
  return withinDecodeBudget({ bytes }, async () => {
    const [one, other] = [await pixelsOf(looks[0], deep), await pixelsOf(looks[1], deep)];
    if (one.equals(other)) return 0;
    if (!deep) return meanDifference(one, other);
    return (await meanDifference(to16Bit(one), to16Bit(other))) * (255 / 65_535);
  });
}

const CHANNELS = 4;

/** All frames as RGBA, so that grayscale compares with color, and an opaque image with one without alpha. */
function pixelsOf({ bytes, header }: Decoded, deep: boolean): Promise<Buffer> {
  return decoding(async () => {
    const pictures = [bytes, ...(header.isAnimatedPng ? readApng(bytes).frames.map(({ png }) => png) : [])];
    const pixels: Buffer[] = [];
    for (const picture of pictures) pixels.push(await rawPixels(picture, { deep, turned: isTurned(header) }));
    return pixels.length === 1 && pixels[0] !== undefined ? pixels[0] : Buffer.concat(pixels);
  });
}

async function rawPixels(picture: Buffer, { deep, turned }: { deep: boolean; turned: boolean }): Promise<Buffer> {
  const image = await openImage(picture);
  const upright = turned ? image.autoOrient() : image;
  return upright
    .toColourspace(deep ? "rgb16" : "srgb")
    .ensureAlpha()
    .raw({ depth: deep ? "ushort" : "uchar" })
    .toBuffer();
}

function to16Bit(bytes: Buffer): Uint16Array {
  // a 16-bit view needs an even offset, which a pooled buffer may not have
  const own = bytes.byteOffset % 2 === 0 ? bytes : new Uint8Array(bytes);
  return new Uint16Array(own.buffer, own.byteOffset, own.length >> 1);
}

/** Takes a few milliseconds; then the event loop continues, since this may run inside a worker. */
const CHUNK_VALUES = 2 ** 21;

async function meanDifference(one: Buffer | Uint16Array, other: Buffer | Uint16Array): Promise<number> {
  let sum = 0;
  for (let from = 0; from < one.length; from += CHUNK_VALUES) {
    const end = Math.min(one.length, from + CHUNK_VALUES);
    for (let at = from; at < end; at++) sum += Math.abs((one[at] as number) - (other[at] as number));
    await setImmediate();
  }
  return sum / one.length;
}
