// PNG files as their chunks: taking them apart and putting texts in. Pixels are not decoded and not touched. Pure.
import { crc32 } from "node:zlib";

const SIGNATURE = Buffer.from("\x89PNG\r\n\x1a\n", "latin1");

/** Length, type and CRC: four bytes each. */
const OVERHEAD = 12;

/** The texts that a PNG can hold, by keyword (1 to 79 Latin-1 characters). */
export interface PngText {
  keyword: string;
  text: string;
}

/** Signed content credentials (C2PA): any change to the file would break the signature. */
const SIGNED = "caBX";

/** Whether these bytes are a PNG that may be given texts. */
export function canHoldTexts(png: Buffer): boolean {
  const types = [...chunksOf(png)].map((chunk) => chunk.type);
  return types[0] === "IHDR" && types.includes("IEND") && !types.includes(SIGNED);
}

/** A copy with these texts right behind its header, in place of any others of the same keywords. All else stays as it is. */
export function withTexts(png: Buffer, texts: readonly PngText[]): Buffer {
  const keywords = new Set(texts.map(({ keyword }) => keyword));
  const parts: Buffer[] = [png.subarray(0, SIGNATURE.length)];
  let end = SIGNATURE.length;
  for (const chunk of chunksOf(png)) {
    end = chunk.end;
    if (isTextOf(png, chunk, keywords)) continue;
    parts.push(png.subarray(chunk.start, chunk.end));
    if (chunk.type === "IHDR") parts.push(...texts.map(toTextChunk));
  }
  return Buffer.concat([...parts, png.subarray(end)]);
}

/** The text under a keyword, in the one form in which XMP is written; undefined where there is none. */
export function readText(png: Buffer, keyword: string): string | undefined {
  const head = Buffer.concat([Buffer.from(`${keyword}\0`, "latin1"), PLAIN]);
  for (const { type, start, end } of chunksOf(png)) {
    const data = png.subarray(start + 8, end - 4);
    if (type === "iTXt" && data.subarray(0, head.length).equals(head)) return data.toString("utf8", head.length);
  }
  return undefined;
}

/** Of an iTXt: not compressed, by method 0, in no language, under no translated keyword. */
const PLAIN = Buffer.alloc(4);

interface Chunk {
  type: string;
  start: number;
  end: number;
}

// up to IEND, or to where the bytes make no sense any more
function* chunksOf(png: Buffer): Generator<Chunk> {
  if (!png.subarray(0, SIGNATURE.length).equals(SIGNATURE)) return;
  let start = SIGNATURE.length;
  while (start + OVERHEAD <= png.length) {
    const end = start + OVERHEAD + png.readUInt32BE(start);
    if (end > png.length) return;
    const type = png.toString("latin1", start + 4, start + 8);
    yield { type, start, end };
    if (type === "IEND") return;
    start = end;
  }
}

function isTextOf(png: Buffer, { type, start, end }: Chunk, keywords: ReadonlySet<string>): boolean {
  if (!["tEXt", "zTXt", "iTXt"].includes(type)) return false;
  const data = png.subarray(start + 8, end - 4);
  const zero = data.indexOf(0);
  return zero > 0 && keywords.has(data.toString("latin1", 0, zero));
}

/**
 * A text in the chunk that the common tools expect: tEXt where Latin-1 has all of its characters, else iTXt in UTF-8, as
 * PIL writes it. XMP is always iTXt: its specification says so.
 */
function toTextChunk({ keyword, text }: PngText): Buffer {
  const plain = text.replaceAll("\0", "");
  const latin1 = Buffer.from(plain, "latin1");
  const isLatin1 = keyword !== XMP_KEYWORD && latin1.toString("latin1") === plain;
  const key = Buffer.from(`${keyword}\0`, "latin1");
  if (isLatin1) return toChunk("tEXt", Buffer.concat([key, latin1]));
  return toChunk("iTXt", Buffer.concat([key, PLAIN, Buffer.from(plain, "utf8")]));
}

/** The keyword of XMP in a PNG. */
export const XMP_KEYWORD = "XML:com.adobe.xmp";

function toChunk(type: string, data: Buffer): Buffer {
  const chunk = Buffer.alloc(OVERHEAD + data.length);
  chunk.writeUInt32BE(data.length, 0);
  chunk.write(type, 4, "latin1");
  data.copy(chunk, 8);
  chunk.writeUInt32BE(crc32(chunk.subarray(4, 8 + data.length)), 8 + data.length);
  return chunk;
}
