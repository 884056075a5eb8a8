// Decodes a Content-Encoding that we did not request: some proxies compress everything.
// The header is a hint and the bytes decide: an invalid coding (aws-chunked, UTF-8) or one that was not applied is ignored,
// since the bytes are verified later. The decoded size is capped: 194 KB of gzip can contain 200 MB.
import { promisify } from "node:util";
import { brotliDecompress, gunzip, inflate, inflateRaw, zstdDecompress } from "node:zlib";

type Decoder = (bytes: Buffer, options: { maxOutputLength: number }) => Promise<Buffer>;

const gzip: Decoder = promisify(gunzip);

/** Tried in turn: deflate comes with and without the zlib header. */
const DECODERS: Readonly<Record<string, readonly Decoder[]>> = {
  gzip: [gzip],
  "x-gzip": [gzip],
  deflate: [promisify(inflate), promisify(inflateRaw)],
  br: [promisify(brotliDecompress)],
  zstd: [promisify(zstdDecompress)],
};

/** More codings than these are a mistake or an attack. */
const CODINGS_MAX = 4;
const GZIP_MAGIC = Buffer.from([0x1f, 0x8b, 0x08]);

/** The decoded bytes. If a coding fails to decode, they are unchanged. */
export type Decoded = { bytes: Buffer } | { fault: "too_large" };

/** Decodes a body. Runs in libuv's threads; never throws. */
export async function decodeContent(
  body: Buffer,
  options: { encoding: string | string[] | undefined; maxBytes: number },
): Promise<Decoded> {
  let bytes = body;
  for (const decoders of toDecoders(options.encoding)) {
    const decoded = await decodeOnce(bytes, { decoders, maxBytes: options.maxBytes });
    if (decoded === "too_large") return { fault: "too_large" };
    bytes = decoded ?? bytes;
  }
  // neither images nor JSON begin like this: gzip without a header
  if (!bytes.subarray(0, GZIP_MAGIC.length).equals(GZIP_MAGIC)) return { bytes };
  const unzipped = await decodeOnce(bytes, { decoders: [gzip], maxBytes: options.maxBytes });
  return unzipped === "too_large" ? { fault: "too_large" } : { bytes: unzipped ?? bytes };
}

/** The decoders of known codings, the last applied first. */
function toDecoders(encoding: string | string[] | undefined): (readonly Decoder[])[] {
  const codings = [encoding ?? []].flat().join(",").slice(0, 200).toLowerCase().split(",");
  return codings
    .flatMap((coding) => (Object.hasOwn(DECODERS, coding.trim()) ? [DECODERS[coding.trim()] ?? []] : []))
    .slice(0, CODINGS_MAX)
    .reverse();
}

async function decodeOnce(
  bytes: Buffer,
  { decoders, maxBytes }: { decoders: readonly Decoder[]; maxBytes: number },
): Promise<Buffer | "too_large" | undefined> {
  for (const decode of decoders) {
    try {
      return await decode(bytes, { maxOutputLength: maxBytes });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE") return "too_large";
    }
  }
  return undefined;
}
