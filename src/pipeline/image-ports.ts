// The ports of looking at images: what bytes turn out to be, and small pictures of them.
import type { ImageFacts } from "../domain/records.ts";

/** A small picture of an image's first frame, upright as viewers show it: rows of pixels, 8 bits a channel. */
export interface Preview {
  width: number;
  height: number;
  channels: 1 | 2 | 3 | 4;
  pixels: Buffer;
}

/** What decoding an image shows, besides what it is. */
export interface InspectedImage extends ImageFacts {
  /** The perceptual hash, 16 hex digits. */
  phash: string;
  preview: Preview;
}

export interface InspectOptions {
  /** Decode while nothing else is decoded in this process. */
  exclusive?: boolean | undefined;
  /** Called when it is this image's turn, with an upper bound of what decoding takes; decoding waits for it. */
  beforeDecode?(cost: { decodedBytes: number }): Promise<void>;
}

/**
 * Looks into bytes and decodes them to the end, every frame. Throws TransientError `not_an_image` or `image_broken`, and
 * RejectedError `decoded_too_large` for what is never decoded.
 */
export type InspectImage = (bytes: Buffer, options?: InspectOptions) => Promise<InspectedImage>;

/** Makes thumbnails of new assets, beside the work that counts: nobody waits for it, and what it leaves is made up later. */
export interface Thumbnails {
  /** Never throws and never waits. */
  offer(asset: { digest: string; preview: Preview }): void;
}
