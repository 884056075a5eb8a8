// The type of an image by its first bytes, and whether its frame reaches its own end. Pure; decodes nothing.
// Names, headers and extensions are not looked at: they are what other programs believe.
import type { ImageFacts } from "../pipeline/image-ports.ts";

type Type = Pick<ImageFacts, "content_type" | "extension">;

const PNG_SIGNATURE = Buffer.from("\x89PNG\r\n\x1a\n", "latin1");
const JPEG_SIGNATURE = Buffer.from([0xff, 0xd8, 0xff]);

/** The type these bytes begin with, or undefined when it is none that can become an asset. */
export function findType(bytes: Buffer): Type | undefined {
  if (startsWith(bytes, PNG_SIGNATURE)) return { content_type: "image/png", extension: "png" };
  if (startsWith(bytes, JPEG_SIGNATURE)) return { content_type: "image/jpeg", extension: "jpg" };
  const isRiff = bytes.toString("latin1", 0, 4) === "RIFF" && bytes.toString("latin1", 8, 12) === "WEBP";
  return isRiff ? { content_type: "image/webp", extension: "webp" } : undefined;
}

/**
 * Whether a PNG's chunks follow one another up to IEND. libpng has all its pixels before it gets there, so the decoder
 * accepts a file that lacks its last twelve bytes (seen with sharp 0.35); for JPEG and WebP the decoder notices.
 */
export function pngReachesItsEnd(bytes: Buffer): boolean {
  let offset = PNG_SIGNATURE.length;
  while (offset + CHUNK_OVERHEAD <= bytes.length) {
    const end = offset + CHUNK_OVERHEAD + bytes.readUInt32BE(offset);
    if (bytes.toString("latin1", offset + 4, offset + 8) === "IEND") return end <= bytes.length;
    offset = end;
  }
  return false;
}

/** The size that a PNG's first chunk says, or undefined where that is no IHDR. Whether it is true, decoding shows. */
export function pngSize(bytes: Buffer): { width: number; height: number } | undefined {
  const start = PNG_SIGNATURE.length;
  if (bytes.length < start + 16 || bytes.toString("latin1", start + 4, start + 8) !== "IHDR") return undefined;
  return { width: bytes.readUInt32BE(start + 8), height: bytes.readUInt32BE(start + 12) };
}

// length, type and CRC: four bytes each
const CHUNK_OVERHEAD = 12;

function startsWith(bytes: Buffer, signature: Buffer): boolean {
  return bytes.subarray(0, signature.length).equals(signature);
}
