// Inspects the bytes of an image: type and size, and whether every frame decodes to its end.
import { availableParallelism } from "node:os";
import pLimit from "p-limit";
import { ArchiverError, DECODE_INTERRUPTED, TransientError, toMessage } from "../domain/errors.ts";
import type { ImageFacts } from "../domain/records.ts";
import type { InspectImage, InspectOptions, Preview } from "../pipeline/image-ports.ts";
import { DECODE_TIMEOUT_S, withinDecodeBudget } from "./decode-budget.ts";
import { type ImageHeader, openImage, readHeader } from "./header.ts";
import { turnUpright } from "./orientation.ts";
import { readApng, readPngHeader } from "./png.ts";
import { firstFrame, hashOf, previewSize } from "./preview.ts";
import { findType } from "./type.ts";

export interface InspectorOptions {
  /** Images decoded at the same time by this inspector. Default: one for each CPU, at most 3. */
  concurrency?: number;
}

/** libuv has four threads for decoding, DNS and files together: leaves one free. */
const MAX_THREADS = 3;

/**
 * An inspector with its own concurrency limit; the memory for decoding is bounded for the process (decode-budget.ts).
 * Decoding does not run on the event loop's thread.
 */
export function createInspector(options: InspectorOptions = {}): InspectImage {
  const limit = pLimit(options.concurrency ?? Math.min(MAX_THREADS, availableParallelism()));
  return async (bytes, inspection = {}) => {
    const type = findType(bytes);
    if (type === undefined) throw notAnImage(bytes);
    if (type.extension === "png" && readPngHeader(bytes) === undefined) throw broken("the PNG stops before its end");
    const { preview, ...size } = await limit(() => decode(bytes, inspection));
    return { ...type, ...size, preview, phash: hashOf(preview) };
  };
}

type Decoded = Pick<ImageFacts, "width" | "height"> & { preview: Preview };

/** Decodes every frame to its last row; keeps only the preview. */
async function decode(bytes: Buffer, { exclusive, beforeDecode }: InspectOptions): Promise<Decoded> {
  const header = await decoding(() => readHeader(bytes));
  return withinDecodeBudget({ bytes: header.decodedBytes, exclusive }, async () => {
    await beforeDecode?.({ decodedBytes: header.decodedBytes });
    return decoding(() => decodeFrames(bytes, header));
  });
}

async function decodeFrames(bytes: Buffer, header: ImageHeader): Promise<Decoded> {
  const { width, height, orientation } = header;
  const size = previewSize(header);
  // resizing reads all pixels and holds a few rows; shrink-on-load would skip most of the decoding
  const { data, info } = await (await openImage(bytes, { sequentialRead: true }))
    .resize({ ...size, fit: "fill", fastShrinkOnLoad: false, kernel: "mitchell" })
    .toColourspace("srgb")
    .raw()
    .toBuffer({ resolveWithObject: true });
  if (header.isAnimatedPng) await readLaterFrames(bytes);
  const stored = firstFrame(data, { ...size, channels: info.channels });
  return { width, height, preview: turnUpright(stored, orientation) };
}

async function readLaterFrames(bytes: Buffer): Promise<void> {
  const deadline = performance.now() + DECODE_TIMEOUT_S * 1_000;
  for (const { png } of readApng(bytes).frames) {
    // a small file can contain a million frames, each fast to decode
    if (performance.now() > deadline) throw new Error(`timeout: its frames take more than ${DECODE_TIMEOUT_S} s`);
    const image = await openImage(png, { sequentialRead: true });
    await image.resize({ width: 1, height: 1, fit: "fill", fastShrinkOnLoad: false }).raw().toBuffer();
  }
}

/**
 * Runs a decoder and translates its errors to TransientError: `decode_interrupted` where this process had no time or memory,
 * else `image_broken`. Our own errors pass.
 */
export async function decoding<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof ArchiverError) throw error;
    const why = toMessage(error).split("\n")[0] ?? "";
    throw LACK.test(why) ? interrupted(why, error) : broken(why, error);
  }
}

/** What libvips, libjpeg and libpng report about time and memory, and never about the image. */
const LACK = /\btimeout\b|out of memory|insufficient memory|cannot allocate|bad_alloc/i;

function notAnImage(bytes: Buffer): TransientError {
  const start = bytes.toString("latin1", 0, 8).replace(/[^ -~]/g, ".");
  const got = bytes.length === 0 ? "0 bytes" : `${bytes.length} bytes that begin with ${JSON.stringify(start)}`;
  return new TransientError(`Cannot read the image: got ${got}, wanted a PNG, JPEG or WebP`, { code: "not_an_image" });
}

function interrupted(why: string, cause: unknown): TransientError {
  return new TransientError(`Cannot decode the image now: ${why}`, { code: DECODE_INTERRUPTED, cause });
}

function broken(why: string, cause?: unknown): TransientError {
  return new TransientError(`Cannot decode the image to its end: ${why}`, { code: "image_broken", cause });
}
