// Undoes a Content-Encoding that came although we asked for none: some proxies compress whatever passes them.
// The header is a hint and the bytes decide: a coding that is none (aws-chunked, UTF-8) or that was not applied is ignored,
// since whoever reads the bytes proves them. The decoded bytes are capped: 194 KB of gzip can hold 200 MB.
import { promisify } from "node:util";
import { brotliDecompress, gunzip, inflate, inflateRaw, zstdDecompress } from "node:zlib";

type Decoder = (bytes: Buffer, options: { maxOutputLength: number }) => Promise<Buffer>;

const gzip: Decoder = promisify(gunzip);

/** Tried in turn: what calls itself deflate comes with and without the frame of zlib. */
const DECODERS: Readonly<Record<string, readonly Decoder[]>> = {
  gzip: [gzip],
  "x-gzip": [gzip],
  deflate: [promisify(inflate), promisify(inflateRaw)],
  br: [promisify(brotliDecompress)],
  zstd: [promisify(zstdDecompress)],
};

/** More than these are a mistake or an attack. */
const CODINGS_MAX = 4;
const GZIP_MAGIC = Buffer.from([0x1f, 0x8b, 0x08]);

/** How the bytes came out. A coding that cannot be undone leaves them as they are. */
export type Decoded = { bytes: Buffer } | { fault: "too_large" };

/** The body as it was before `encoding`. Works in libuv's threads; never throws. */
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
  // no image and no JSON begins like this: it is gzip that nobody has announced
  if (!bytes.subarray(0, GZIP_MAGIC.length).equals(GZIP_MAGIC)) return { bytes };
  const unzipped = await decodeOnce(bytes, { decoders: [gzip], maxBytes: options.maxBytes });
  return unzipped === "too_large" ? { fault: "too_large" } : { bytes: unzipped ?? bytes };
}

/** Those of the codings that are known, the last one first: it was applied last. */
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
