// Small pictures of archived images, for reports and pages that show many at once.
import { loadSharp } from "./sharp.ts";

/** The longer side, in pixels, and WebP's quality: about 5 KB a picture. */
const SIDE = 240;
const QUALITY = 62;

/** Over what a 4K image has: what unpacks into more is not worth a thumbnail. */
const MAX_PIXELS = 100_000_000;

/** A WebP of at most 240 pixels a side, its first frame; undefined for bytes that cannot be decoded. */
export async function toThumbnail(bytes: Buffer): Promise<Buffer | undefined> {
  const open = await loadSharp();
  try {
    return await open(bytes, { limitInputPixels: MAX_PIXELS, failOn: "error" })
      .resize(SIDE, SIDE, { fit: "inside", withoutEnlargement: true })
      .webp({ quality: QUALITY })
      .toBuffer();
  } catch {
    return undefined;
  }
}
