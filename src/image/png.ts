// Parses PNG chunks: the header, and the frames of an animated PNG as PNGs of their own. sharp reads only the first image of
// an APNG, so it gets the other frames one by one. Pixels are not decoded here.
import { crc32 } from "node:zlib";
import type { DecodeSize } from "./decode-budget.ts";

/** The first bytes of every PNG. */
export const PNG_SIGNATURE = Buffer.from("\x89PNG\r\n\x1a\n", "latin1");

// length, type and CRC: four bytes each
const CHUNK_OVERHEAD = 12;

interface Chunk {
  type: string;
  data: Buffer;
  /** Type and data, over which the CRC goes. */
  checked: Buffer;
  crc: number;
}

/** Every complete chunk, up to IEND. */
function* chunksOf(png: Buffer): Generator<Chunk> {
  let offset = PNG_SIGNATURE.length;
  while (offset + CHUNK_OVERHEAD <= png.length) {
    const end = offset + CHUNK_OVERHEAD + png.readUInt32BE(offset);
    if (end > png.length) return;
    const checked = png.subarray(offset + 4, end - 4);
    const type = checked.toString("latin1", 0, 4);
    yield { type, data: checked.subarray(4), checked, crc: png.readUInt32BE(end - 4) };
    if (type === "IEND") return;
    offset = end;
  }
}

/** The header of a PNG. */
export interface PngHeader extends DecodeSize {
  /** Has the chunk that may contain an orientation. */
  hasExif: boolean;
  isAnimated: boolean;
}

/** Channels by color type, before transparency. */
const CHANNELS: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 3, 4: 2, 6: 4 };

/**
 * The header, or undefined if the first chunk is not IHDR or IEND is missing: the decoder would accept a file without its last
 * twelve bytes, since libpng has all pixels before IEND (seen with sharp 0.35).
 */
export function readPngHeader(png: Buffer): PngHeader | undefined {
  const chunks = [...chunksOf(png)];
  const header = chunks[0]?.type === "IHDR" ? chunks[0].data : undefined;
  const types = new Set(chunks.map(({ type }) => type));
  if (header === undefined || header.length < 13 || !types.has("IEND")) return undefined;
  const color = CHANNELS[header[9] ?? 6] ?? 4;
  return {
    width: header.readUInt32BE(0),
    height: header.readUInt32BE(4),
    ...animationOf(chunks),
    channels: color + (types.has("tRNS") ? 1 : 0),
    bytesPerChannel: header[8] === 16 ? 2 : 1,
    heldTwice: header[12] === 1,
    hasExif: types.has("eXIf"),
  };
}

function animationOf(chunks: readonly Chunk[]): { isAnimated: boolean; frames: number } {
  const picture = chunks.findIndex(({ type }) => type === "IDAT");
  const before = (wanted: string) => chunks.slice(0, Math.max(0, picture)).some(({ type }) => type === wanted);
  // after the pixels it has no meaning
  if (!before("acTL")) return { isAnimated: false, frames: 1 };
  const frames = chunks.filter(({ type }) => type === "fcTL").length;
  // without its own control chunk, the first image is not part of the animation
  return { isAnimated: true, frames: Math.max(1, frames + (before("fcTL") ? 0 : 1)) };
}

/** The position of a frame on the canvas, and how it is drawn. */
export interface FrameControl {
  width: number;
  height: number;
  x: number;
  y: number;
  dispose: number;
  blend: number;
}

/** A frame after the first image, as a PNG of its own. */
export interface ApngFrame extends FrameControl {
  png: Buffer;
}

/** The parts of an APNG. */
export interface Apng {
  /** Of the first image, if it is part of the animation. */
  first: FrameControl | undefined;
  /** The following frames. */
  frames: ApngFrame[];
}

/**
 * Splits an animated PNG into frames (https://www.w3.org/TR/png-3/#apng-frame-based-animation). Throws an Error that says what is
 * wrong with it: a number of frames or an order other than announced, a wrong checksum, a frame outside the canvas.
 */
export function readApng(png: Buffer): Apng {
  const scan = scanApng(png);
  const animated = scan.frames.length + (scan.first === undefined ? 0 : 1);
  if (animated !== scan.announced)
    throw new Error(`the animated PNG has ${animated} of the ${scan.announced} frames that it announces`);
  const frames = scan.frames.map(({ parts, ...control }, at) => {
    if (parts.length === 0) throw new Error(`frame ${at + 1} of the animated PNG has no pixels`);
    return { ...control, png: toPng(scan, { control, parts }) };
  });
  return { first: scan.first, frames };
}

type ScannedFrame = FrameControl & { parts: Buffer[] };

interface Scan {
  header: Buffer;
  announced: number;
  /** Chunks that every frame needs. */
  shared: Buffer[];
  hasPicture: boolean;
  /** The expected sequence number of the next frame chunk. */
  sequence: number;
  first: FrameControl | undefined;
  frames: ScannedFrame[];
}

function scanApng(png: Buffer): Scan {
  const scan: Scan = {
    header: Buffer.alloc(13),
    announced: 0,
    shared: [],
    hasPicture: false,
    sequence: 0,
    first: undefined,
    frames: [],
  };
  for (const chunk of chunksOf(png)) {
    const { type, data } = chunk;
    if (type === "IHDR") scan.header = data;
    if (type === "PLTE" || type === "tRNS") scan.shared.push(toChunk(type, data));
    if (type === "IDAT") scan.hasPicture = true;
    if (type === "acTL" || type === "fcTL" || type === "fdAT") addAnimation(scan, { ...chunk, type });
  }
  return scan;
}

function addAnimation(scan: Scan, { type, data, checked, crc }: Chunk & { type: keyof typeof MIN_BYTES }): void {
  if (crc32(checked) !== crc) throw new Error(`a ${type} chunk of the animated PNG has a wrong checksum`);
  if (data.length < MIN_BYTES[type]) throw new Error(`a ${type} chunk of the animated PNG is too short`);
  if (type === "acTL") {
    scan.announced = data.readUInt32BE(0);
    return;
  }
  if (data.readUInt32BE(0) !== scan.sequence++) throw new Error("the frames of the animated PNG are out of order");
  if (type === "fcTL") addControl(scan, toControl(data, scan.header));
  else addPixels(scan, data.subarray(4));
}

/** The minimum data size of these chunks. */
const MIN_BYTES = { acTL: 8, fcTL: 26, fdAT: 4 };

function addControl(scan: Scan, control: FrameControl): void {
  if (!scan.hasPicture) scan.first = control;
  else scan.frames.push({ ...control, parts: [] });
}

function addPixels(scan: Scan, pixels: Buffer): void {
  const frame = scan.frames.at(-1);
  if (frame === undefined) throw new Error("the animated PNG has pixels that belong to no frame");
  frame.parts.push(pixels);
}

function toControl(data: Buffer, header: Buffer): FrameControl {
  const [width, height, x, y] = [4, 8, 12, 16].map((at) => data.readUInt32BE(at)) as [number, number, number, number];
  const fits = x + width <= header.readUInt32BE(0) && y + height <= header.readUInt32BE(4);
  if (width === 0 || height === 0 || !fits) throw new Error("a frame of the animated PNG lies outside its canvas");
  return { width, height, x, y, dispose: data[24] ?? 0, blend: data[25] ?? 0 };
}

function toPng(
  { header, shared }: Scan,
  { control, parts }: { control: FrameControl; parts: readonly Buffer[] },
): Buffer {
  const own = Buffer.from(header);
  own.writeUInt32BE(control.width, 0);
  own.writeUInt32BE(control.height, 4);
  const pixels = toChunk("IDAT", Buffer.concat(parts));
  return Buffer.concat([PNG_SIGNATURE, toChunk("IHDR", own), ...shared, pixels, toChunk("IEND", Buffer.alloc(0))]);
}

function toChunk(type: string, data: Buffer): Buffer {
  const checked = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const [length, crc] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  crc.writeUInt32BE(crc32(checked));
  return Buffer.concat([length, checked, crc]);
}
