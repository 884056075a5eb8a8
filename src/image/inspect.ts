// From bytes to what the image is: type, size, decodes to the end; or why not.
import { availableParallelism } from "node:os";
import type { Sharp } from "sharp";
import { TransientError, toMessage } from "../errors.ts";
import type { ImageFacts, InspectImage, Preview } from "../pipeline/image-ports.ts";
import { firstFrame, hashOf, previewSize } from "./preview.ts";
import { loadSharp } from "./sharp.ts";
import { createTurns } from "./turns.ts";
import { findType, pngReachesItsEnd, pngSize } from "./type.ts";

export interface InspectorOptions {
  /** Images decoded at the same time. Default: one for each CPU, at most 3. */
  concurrency?: number;
  /** Larger images are refused unread: they are small files that unpack into gigabytes. Counts all frames. */
  maxPixels?: number;
}

/** Over eight times what a 4K image has; 400 MB when a decoder must hold all of it. */
const MAX_PIXELS = 100_000_000;

/** libuv has four threads for decoding, DNS and files together; one is left for the others. */
const MAX_THREADS = 3;

/** An inspector with its own bound on work in hand. Decoding runs off the loop's thread. */
export function createInspector(options: InspectorOptions = {}): InspectImage {
  const concurrency = options.concurrency ?? Math.min(MAX_THREADS, availableParallelism());
  const maxPixels = options.maxPixels ?? MAX_PIXELS;
  const inTurn = createTurns(concurrency);
  return async (bytes) => {
    const type = findType(bytes);
    if (type === undefined) throw notAnImage(bytes);
    if (type.extension === "png" && !pngReachesItsEnd(bytes)) throw broken("the PNG stops before its end");
    const { preview, ...size } = await inTurn(() => decode(bytes, { maxPixels }));
    return { ...type, ...size, preview, phash: hashOf(preview) };
  };
}

type Decoded = Pick<ImageFacts, "width" | "height"> & { preview: Preview };

/** Decodes every frame to its last row; of all the pixels only the preview is kept. */
async function decode(bytes: Buffer, limits: { maxPixels: number }): Promise<Decoded> {
  const open = await loadSharp();
  // "error" and not "warning": an image that every viewer shows must not be lost over a stray byte between markers
  const input = { failOn: "error", limitInputPixels: limits.maxPixels, sequentialRead: true, animated: true } as const;
  try {
    // the decoder's own look at the header costs the loop a fifth of a millisecond, and most images are PNGs
    const frame = (findType(bytes)?.extension === "png" && pngSize(bytes)) || (await readHeader(open(bytes, input)));
    const size = previewSize(frame);
    // shrinking reads all pixels and holds a few rows; shrinking while loading would skip most of the work
    const { data, info } = await open(bytes, input)
      .resize({ ...size, fit: "fill", fastShrinkOnLoad: false, kernel: "mitchell" })
      .toColourspace("srgb")
      .raw()
      .toBuffer({ resolveWithObject: true });
    return { ...frame, preview: firstFrame(data, { ...size, channels: info.channels }) };
  } catch (error) {
    throw broken(toMessage(error).split("\n")[0] ?? "", error);
  }
}

async function readHeader(image: Sharp): Promise<{ width: number; height: number }> {
  const { width, height, pageHeight } = await image.metadata();
  return { width, height: pageHeight ?? height };
}

function notAnImage(bytes: Buffer): TransientError {
  const start = bytes.toString("latin1", 0, 8).replace(/[^ -~]/g, ".");
  const got = bytes.length === 0 ? "0 bytes" : `${bytes.length} bytes that begin with ${JSON.stringify(start)}`;
  return new TransientError(`Cannot read the image: got ${got}, wanted a PNG, JPEG or WebP`, { code: "not_an_image" });
}

function broken(why: string, cause?: unknown): TransientError {
  return new TransientError(`Cannot decode the image to its end: ${why}`, { code: "image_broken", cause });
}
