// The options of a put, as the pipeline passes them.
import { createHash } from "node:crypto";

/** Type, digest and cache control for these bytes. */
export function putOptions(bytes: Buffer, contentType = "image/png") {
  const digest = createHash("sha256").update(bytes).digest("hex");
  return { contentType, digest, cacheControl: "public, max-age=31536000, immutable" };
}
