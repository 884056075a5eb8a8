// The type of an image by its first bytes. Pure; decodes nothing.
// Names, headers and extensions are not looked at: they are what other programs believe.
import type { ImageFacts } from "../domain/records.ts";
import { PNG_SIGNATURE } from "./png.ts";

type Type = Pick<ImageFacts, "content_type" | "extension">;

const JPEG_SIGNATURE = Buffer.from([0xff, 0xd8, 0xff]);

/** The type these bytes begin with, or undefined when it is none that can become an asset. */
export function findType(bytes: Buffer): Type | undefined {
  if (startsWith(bytes, PNG_SIGNATURE)) return { content_type: "image/png", extension: "png" };
  if (startsWith(bytes, JPEG_SIGNATURE)) return { content_type: "image/jpeg", extension: "jpg" };
  const isRiff = bytes.toString("latin1", 0, 4) === "RIFF" && bytes.toString("latin1", 8, 12) === "WEBP";
  return isRiff ? { content_type: "image/webp", extension: "webp" } : undefined;
}

function startsWith(bytes: Buffer, signature: Buffer): boolean {
  return bytes.subarray(0, signature.length).equals(signature);
}
