// Makes an animated PNG of PNGs of one size and kind: the first one is its first frame.
import { crc32 } from "node:zlib";

export function toApng(pngs: readonly Buffer[], options: { announced?: number; keep?: number } = {}): Buffer {
  const first = pngs[0] as Buffer;
  const header = pixelsOf(first, "IHDR");
  const parts = [first.subarray(0, 8), chunk("IHDR", header)];
  parts.push(chunk("acTL", Buffer.concat([number(options.announced ?? pngs.length), number(0)])));
  let sequence = 0;
  for (const [at, png] of pngs.entries()) {
    const size = pixelsOf(png, "IHDR").subarray(0, 8);
    const control = Buffer.concat([number(sequence++), size, number(0), number(0), Buffer.from([0, 1, 0, 10, 0, 0])]);
    parts.push(chunk("fcTL", control));
    const pixels = pixelsOf(png, "IDAT");
    if (at === 0) parts.push(chunk("IDAT", pixels));
    else parts.push(chunk("fdAT", Buffer.concat([number(sequence++), pixels.subarray(0, options.keep)])));
  }
  return Buffer.concat([...parts, chunk("IEND", Buffer.alloc(0))]);
}

function pixelsOf(png: Buffer, wanted: string): Buffer {
  const found: Buffer[] = [];
  for (let at = 8; at < png.length; at += 12 + png.readUInt32BE(at)) {
    const type = png.toString("latin1", at + 4, at + 8);
    if (type === wanted) found.push(png.subarray(at + 8, at + 8 + png.readUInt32BE(at)));
  }
  return Buffer.concat(found);
}

function chunk(type: string, data: Buffer): Buffer {
  const checked = Buffer.concat([Buffer.from(type, "latin1"), data]);
  return Buffer.concat([number(data.length), checked, number(crc32(checked))]);
}

function number(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
