// How alike two images are: their bytes, their pixels, and, where those differ, what an eye would see of it.
// Knows nothing of requests and stores; never writes anything.
import { setImmediate } from "node:timers/promises";
import type { Likeness } from "../domain/records.ts";
import { withinDecodeBudget } from "./decode-budget.ts";
import { type ImageHeader, openImage, readHeader } from "./header.ts";
import { createInspector, decoding } from "./inspect.ts";
import { hashDistance } from "./perceptual-hash.ts";
import { type FrameControl, readApng } from "./png.ts";

/** What comparing showed. */
export interface Comparison {
  outcome: Exclude<Likeness, "incomparable">;
  /** Bits in which the perceptual hashes of the first frames differ, 0 to 64; null for identical bytes. */
  distance: number | null;
  /** Mean absolute difference of all channels of all frames, 0 to 255; null where the sizes differ, and for identical bytes. */
  mean_error: number | null;
}

/**
 * Up to so many of the 64 bits of two hashes may differ in pictures that show the same thing: what another machine, another
 * encoder or a slightly other model makes of a recipe. Different pictures differ in about 32, and hardly ever in under 15.
 */
export const NEAR_MAX_DISTANCE = 10;

/**
 * So small a mean error is near whatever the hashes say: of a picture that is nearly flat, or all of one wave, most
 * frequencies are nothing but noise, and differences that nobody sees turn their bits over.
 */
const NEAR_MAX_MEAN_ERROR = 2;

/**
 * Compares what was made with the original.
 *
 * | same bytes | same size, frames and pixels | distance of the hashes | mean error | outcome |
 * |---|---|---|---|---|
 * | yes | – | – | – | identical_bytes |
 * | no | yes | – | – | identical_pixels |
 * | no | no | at most NEAR_MAX_DISTANCE | – | near |
 * | no | no | more | at most NEAR_MAX_MEAN_ERROR | near |
 * | no | no | more | more, or the sizes differ | drifted |
 *
 * Compared is what viewers show: rows that EXIF turns are turned. The frames of an animated PNG are compared one by one as
 * they are stored, where both images lay them on the canvas in the same way.
 *
 * Throws TransientError `not_an_image` or `image_broken` for bytes that show no image, RejectedError `decoded_too_large` for
 * what is never decoded.
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
  /** Width, height and frames as viewers show them: pixels of one shape can be compared one by one. */
  shape: string;
  phash: string;
}

const inspect = createInspector({ concurrency: 1 });

/** The inspector's hash, which every asset has in the catalog, too. */
async function inspectImage(bytes: Buffer): Promise<Decoded> {
  const { phash } = await inspect(bytes);
  const header = await decoding(() => readHeader(bytes));
  const { width, height, frames, orientation } = header;
  const size = isTurned(header) && orientation >= 5 ? [height, width] : [width, height];
  const layout = header.isAnimatedPng ? layoutOf(bytes) : [];
  const turn = isTurned(header) ? 1 : orientation;
  return { bytes, header, shape: JSON.stringify([...size, frames, turn, layout]), phash };
}

// frames lie below one another while they are decoded, and cannot be turned then
function isTurned({ frames, orientation }: ImageHeader): boolean {
  return frames === 1 && orientation !== 1;
}

function layoutOf(bytes: Buffer): readonly (FrameControl | undefined)[] {
  const { first, frames } = readApng(bytes);
  return [first, ...frames.map(({ png: _, ...control }) => control)];
}

/** 0 where every channel of every pixel is the same, and only there. */
function meanError(looks: readonly [Decoded, Decoded]): Promise<number> {
  const deep = looks.some(({ header }) => header.bytesPerChannel > 1);
  // the pixels of both, and what decoding the second one takes; turned pictures are held twice
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

/** Red, green, blue and alpha of all frames, so that grey is compared with grey in colour, and opaque with no alpha. */
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
  // a view needs an even start, which a pooled buffer need not have
  const own = bytes.byteOffset % 2 === 0 ? bytes : new Uint8Array(bytes);
  return new Uint16Array(own.buffer, own.byteOffset, own.length >> 1);
}

/** So many values take a few milliseconds; then others have their turn, since this may run in the midst of a worker. */
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
