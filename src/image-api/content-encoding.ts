// Undoes a Content-Encoding that came although we asked for none: some proxies compress whatever passes them.
// The decoded bytes are capped: 194 KB of gzip can hold 200 MB.
import { promisify } from "node:util";
import { brotliDecompress, gunzip, inflate } from "node:zlib";

const DECODERS: Readonly<Record<string, (bytes: Buffer, options: { maxOutputLength: number }) => Promise<Buffer>>> = {
  gzip: promisify(gunzip),
  "x-gzip": promisify(gunzip),
  deflate: promisify(inflate),
  br: promisify(brotliDecompress),
};

/** How the bytes came out: decoded, over the cap, or not to be decoded. */
export type Decoded = { bytes: Buffer } | { fault: "too_large" | "undecodable" };

/** The body as it was before `encoding`. Works in libuv's threads; never throws. */
export async function decodeContent(
  body: Buffer,
  options: { encoding: string | string[] | undefined; maxBytes: number },
): Promise<Decoded> {
  const encoding = String(options.encoding ?? "identity")
    .trim()
    .toLowerCase();
  if (encoding === "identity" || encoding === "") return { bytes: body };
  const decode = DECODERS[encoding];
  if (decode === undefined) return { fault: "undecodable" };
  try {
    return { bytes: await decode(body, { maxOutputLength: options.maxBytes }) };
  } catch (error) {
    const tooLarge = (error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE";
    return { fault: tooLarge ? "too_large" : "undecodable" };
  }
}
