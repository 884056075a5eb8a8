// The ports for images: inspection of bytes, and thumbnails.
import type { ImageFacts } from "../domain/records.ts";

/** A downscaled first frame of an image, upright as viewers show it: rows of pixels, 8 bits per channel. */
export interface Preview {
  width: number;
  height: number;
  channels: 1 | 2 | 3 | 4;
  pixels: Buffer;
}

/** The facts of an image that need decoding. */
export interface InspectedImage extends ImageFacts {
  /** The perceptual hash, 16 hex digits. */
  phash: string;
  preview: Preview;
}

export interface InspectOptions {
  /** Decode while no other image is decoded in this process. */
  exclusive?: boolean | undefined;
  /** Called right before decoding, with an upper bound of its memory; decoding waits for it. */
  beforeDecode?(cost: { decodedBytes: number }): Promise<void>;
}

/**
 * Decodes every frame to its end. Throws TransientError `not_an_image` or `image_broken`, RejectedError
 * `decoded_too_large` for an image over the limit, which is not decoded, and TransientError `decode_interrupted` where time or
 * memory ran out, which says nothing about the image.
 */
export type InspectImage = (bytes: Buffer, options?: InspectOptions) => Promise<InspectedImage>;

/** Makes thumbnails of new assets in the background. What it cannot make is backfilled later. */
export interface Thumbnails {
  /** Never throws and never waits. */
  offer(asset: { digest: string; preview: Preview }): void;
}
