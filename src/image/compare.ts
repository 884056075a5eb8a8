// How alike two images are: their bytes, their pixels, and, where those differ, what an eye would see of it.
// Knows nothing of requests and stores; never writes anything.
import { setImmediate } from "node:timers/promises";
import { TransientError, toMessage } from "../errors.ts";
import type { Likeness } from "../pipeline/records.ts";
import { createInspector } from "./inspect.ts";
import { hashDistance } from "./perceptual-hash.ts";
import { loadSharp } from "./sharp.ts";

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

/** As the inspector: what is larger is not decoded. Counts all frames. */
const MAX_PIXELS = 100_000_000;

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
 * Throws TransientError `not_an_image` or `image_broken` for bytes that show no image.
 */
export async function compareImages(original: Buffer, made: Buffer): Promise<Comparison> {
  if (original.equals(made)) return { outcome: "identical_bytes", distance: null, mean_error: null };
  const [one, other] = [await lookAt(original), await lookAt(made)];
  const distance = hashDistance(one.phash, other.phash);
  const sameSize = one.width === other.width && one.height === other.height && one.frames === other.frames;
  const mean_error = sameSize ? await meanError([original, made], one.deep || other.deep) : null;
  if (mean_error === 0) return { outcome: "identical_pixels", distance, mean_error };
  const isNear = distance <= NEAR_MAX_DISTANCE || (mean_error ?? Number.POSITIVE_INFINITY) <= NEAR_MAX_MEAN_ERROR;
  return { outcome: isNear ? "near" : "drifted", distance, mean_error };
}

interface Look {
  width: number;
  /** Of one frame. */
  height: number;
  frames: number;
  /** More than 8 bits a channel. */
  deep: boolean;
  phash: string;
}

const inspect = createInspector({ concurrency: 1, maxPixels: MAX_PIXELS });

/** The inspector's hash, which every asset has in the catalog, too. */
async function lookAt(bytes: Buffer): Promise<Look> {
  const { width, height, phash } = await inspect(bytes);
  return decoding(async () => {
    const { pages = 1, depth } = await (await loadSharp())(bytes, ALL_FRAMES).metadata();
    return { width, height, frames: pages, deep: depth !== "uchar", phash };
  });
}

const ALL_FRAMES = { failOn: "error", limitInputPixels: MAX_PIXELS, animated: true } as const;

/** 0 where every channel of every pixel is the same, and only there. */
async function meanError([original, made]: readonly [Buffer, Buffer], deep: boolean): Promise<number> {
  const [one, other] = [await pixelsOf(original, deep), await pixelsOf(made, deep)];
  if (one.equals(other)) return 0;
  if (!deep) return meanDifference(one, other);
  return (await meanDifference(to16Bit(one), to16Bit(other))) * (255 / 65_535);
}

/** Red, green, blue and alpha of all frames, so that grey is compared with grey in colour, and opaque with no alpha. */
function pixelsOf(bytes: Buffer, deep: boolean): Promise<Buffer> {
  return decoding(async () => {
    const image = (await loadSharp())(bytes, ALL_FRAMES)
      .toColourspace(deep ? "rgb16" : "srgb")
      .ensureAlpha();
    return image.raw({ depth: deep ? "ushort" : "uchar" }).toBuffer();
  });
}

function to16Bit(bytes: Buffer): Uint16Array {
  // a view wants an even start, which a pooled buffer need not have
  const own = new Uint8Array(bytes);
  return new Uint16Array(own.buffer, 0, own.length >> 1);
}

/** So many values take a few milliseconds; then others have their turn, since this may run in the midst of a worker. */
const VALUES_AT_ONCE = 2 ** 21;

async function meanDifference(one: Buffer | Uint16Array, other: Buffer | Uint16Array): Promise<number> {
  let sum = 0;
  for (let from = 0; from < one.length; from += VALUES_AT_ONCE) {
    const end = Math.min(one.length, from + VALUES_AT_ONCE);
    for (let at = from; at < end; at++) sum += Math.abs((one[at] as number) - (other[at] as number));
    await setImmediate();
  }
  return sum / one.length;
}

async function decoding<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const why = toMessage(error).split("\n")[0] ?? "";
    throw new TransientError(`Cannot decode the image to its end: ${why}`, { code: "image_broken", cause: error });
  }
}
