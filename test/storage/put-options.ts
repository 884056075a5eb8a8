// What a put of some bytes is told, as the pipeline tells it.
import { createHash } from "node:crypto";

/** Type, digest and cache control for these bytes. */
export function putOptions(bytes: Buffer, contentType = "image/png") {
  const digest = createHash("sha256").update(bytes).digest("hex");
  return { contentType, digest, cacheControl: "public, max-age=31536000, immutable" };
}
