// Detects the type of an image by its first bytes. Pure; does not decode.
// Names, headers and extensions are ignored: they may be wrong.
import type { ImageFacts } from "../domain/records.ts";
import { PNG_SIGNATURE } from "./png.ts";

type Type = Pick<ImageFacts, "content_type" | "extension">;

const JPEG_SIGNATURE = Buffer.from([0xff, 0xd8, 0xff]);

/** The type of these bytes, or undefined if it cannot become an asset. */
export function findType(bytes: Buffer): Type | undefined {
  if (startsWith(bytes, PNG_SIGNATURE)) return { content_type: "image/png", extension: "png" };
  if (startsWith(bytes, JPEG_SIGNATURE)) return { content_type: "image/jpeg", extension: "jpg" };
  const isRiff = bytes.toString("latin1", 0, 4) === "RIFF" && bytes.toString("latin1", 8, 12) === "WEBP";
  return isRiff ? { content_type: "image/webp", extension: "webp" } : undefined;
}

function startsWith(bytes: Buffer, signature: Buffer): boolean {
  return bytes.subarray(0, signature.length).equals(signature);
}
