// The smallest PNG encoder that does: 8-bit RGB, one filter, chunks with their checksums.
// Own, so that the sandbox needs no image package: the one that decodes must not also be the one that encoded.
import { createCipheriv } from "node:crypto";
import { crc32, deflateSync } from "node:zlib";

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

/** Decoders limit the size of one chunk. */
const PADDING_CHUNK_MAX_BYTES = 1024 * 1024;
const CHUNK_OVERHEAD_BYTES = 12;

/** Pixels in rows, r, g, b after one another. */
export interface Pixels {
  width: number;
  height: number;
  rgb: Uint8Array;
}

/**
 * A PNG file. `padToBytes` brings a smaller file to exactly that size (to within a dozen bytes) with incompressible
 * bytes in a private chunk; they stand before the pixels, so that a file cut short always lacks pixels. `level` is
 * deflate's.
 */
export function encodePng(pixels: Pixels, { padToBytes, level }: { padToBytes: number; level: number }): Buffer {
  const header = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 8, 2, 0, 0, 0]);
  header.writeUInt32BE(pixels.width, 0);
  header.writeUInt32BE(pixels.height, 4);
  const head = [SIGNATURE, chunk("IHDR", header), chunk("tEXt", Buffer.from("Software\0asset-archiver sandbox"))];
  const body = [chunk("IDAT", deflateSync(filterRows(pixels), { level })), chunk("IEND", Buffer.alloc(0))];
  const missing = padToBytes - [...head, ...body].reduce((sum, part) => sum + part.length, 0);
  return Buffer.concat([...head, ...padding(missing, pixels.rgb), ...body]);
}

// filter 1 ("Sub"): each byte as the difference to the pixel on its left, which makes gradients compress; of the five
// filters, with deflate's first level, the fastest for pictures like these
function filterRows({ width, height, rgb }: Pixels): Buffer {
  const stride = width * 3;
  const rows = Buffer.allocUnsafe((stride + 1) * height);
  for (let y = 0, to = 0, from = 0; y < height; y++) {
    rows[to++] = 1;
    for (let x = 0; x < 3; x++) rows[to++] = rgb[from++] as number;
    for (let x = 3; x < stride; x++, from++) rows[to++] = (rgb[from] as number) - (rgb[from - 3] as number);
  }
  return rows;
}

function padding(missingBytes: number, rgb: Uint8Array): Buffer[] {
  const parts: Buffer[] = [];
  const noise = createCipheriv("aes-128-ctr", crcKey(rgb), Buffer.alloc(16));
  for (let left = missingBytes; left > CHUNK_OVERHEAD_BYTES; ) {
    const size = Math.min(left - CHUNK_OVERHEAD_BYTES, PADDING_CHUNK_MAX_BYTES);
    parts.push(chunk("paDd", noise.update(Buffer.alloc(size))));
    left -= size + CHUNK_OVERHEAD_BYTES;
  }
  return parts;
}

// the padding follows from the pixels, so that the same recipe still gives the same bytes
function crcKey(rgb: Uint8Array): Buffer {
  const key = Buffer.alloc(16);
  key.writeUInt32BE(crc32(rgb), 0);
  return key;
}

function chunk(type: string, data: Buffer): Buffer {
  const part = Buffer.allocUnsafe(data.length + CHUNK_OVERHEAD_BYTES);
  part.writeUInt32BE(data.length, 0);
  part.write(type, 4, "latin1");
  data.copy(part, 8);
  part.writeUInt32BE(crc32(part.subarray(4, 8 + data.length)), 8 + data.length);
  return part;
}
