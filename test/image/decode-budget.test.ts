import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  DECODED_BYTES_MAX,
  decodedBytes,
  decodedBytesHeld,
  withinDecodeBudget,
} from "../../src/image/decode-budget.ts";
import { readHeader } from "../../src/image/header.ts";
import { createInspector } from "../../src/image/inspect.ts";
import { toApng } from "./apng.ts";

const rgba = { width: 100, height: 50, channels: 4 as const };
const picture = (depth: "uchar" | "ushort" = "uchar") => {
  const image = sharp({ create: { ...rgba, background: { r: 9, g: 20, b: 30, alpha: 0.5 } } });
  return depth === "uchar" ? image : image.toColourspace("rgb16");
};
const PIXELS = rgba.width * rgba.height;

describe("what decoding takes, by the header", () => {
  test.each([
    ["PNG, 8 bits", picture().png(), PIXELS * 4],
    ["PNG, interlaced", picture().png({ progressive: true }), PIXELS * 4 * 2],
    ["PNG, 16 bits, interlaced", picture("ushort").png({ progressive: true }), PIXELS * 8 * 2],
    ["PNG, palette with transparency", picture().png({ palette: true }), PIXELS * 4],
    ["JPEG", picture().removeAlpha().jpeg(), PIXELS * 3],
    ["JPEG, progressive", picture().removeAlpha().jpeg({ progressive: true }), PIXELS * 3 * 2],
    ["WebP without alpha", picture().removeAlpha().webp(), PIXELS * 4 * 2],
    ["WebP, lossless", picture().webp({ lossless: true }), PIXELS * 4 * 2],
  ])("%s", async (_, image, bytes) => {
    expect((await readHeader(await image.toBuffer())).decodedBytes).toBe(bytes);
  });

  test("animated: times its frames", async () => {
    const frames = [await picture().png().toBuffer(), await picture().negate().png().toBuffer()];
    const webp = await sharp(frames, { join: { animated: true } })
      .webp({ lossless: true })
      .toBuffer();
    expect(await readHeader(webp)).toMatchObject({ frames: 2, height: 50, decodedBytes: PIXELS * 4 * 2 * 2 });
    expect(await readHeader(toApng(frames))).toMatchObject({ frames: 2, decodedBytes: PIXELS * 4 * 2 });
  });
});

describe("what is never decoded", () => {
  const size = { width: 8192, height: 4096, frames: 1, channels: 4, bytesPerChannel: 1, heldTwice: true };
  test.each([
    ["an 8K WebP is", {}, true],
    ["one row more", { height: 4097 }, false],
    ["two frames of it", { frames: 2 }, false],
    ["16 bits of it", { bytesPerChannel: 2 }, false],
    ["16 bits, not interlaced", { bytesPerChannel: 2, heldTwice: false }, true],
  ])("%s", (_, change, allowed) => {
    const measure = () => decodedBytes({ ...size, ...change });
    if (allowed) expect(measure()).toBe(DECODED_BYTES_MAX);
    else expect(measure).toThrow(/Cannot decode the image: it is 8192 × 409\d.* expected at most 33554432 pixels/);
  });

  test("a PNG that says it is huge is refused by its header", async () => {
    const bytes = await picture().png().toBuffer();
    bytes.writeUInt32BE(6_000_000, 16);
    const refused = { name: "RejectedError", code: "decoded_too_large" };
    await expect(createInspector()(bytes)).rejects.toMatchObject(refused);
  });
});

test("what does not fit waits, and who is exclusive is alone", async () => {
  const seen: number[] = [];
  const look = (bytes: number, exclusive = false) =>
    withinDecodeBudget({ bytes, exclusive }, async () => void seen.push(decodedBytesHeld()));
  await Promise.all([look(DECODED_BYTES_MAX - 10), look(20), look(30, true), look(40)]);
  expect(seen[0]).toBe(DECODED_BYTES_MAX - 10);
  expect(Math.max(...seen)).toBe(DECODED_BYTES_MAX);
  expect(decodedBytesHeld()).toBe(0);
});

describe("memory of a process that is given many bombs at once", () => {
  let folder = "";
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "bombs-"));
  });
  afterAll(() => rm(folder, { recursive: true }));

  async function decodeMany(bytes: Buffer): Promise<{ mib: number; ends: string[] }> {
    const file = join(folder, "bomb");
    await writeFile(file, bytes);
    const script = join(import.meta.dirname, "decode-many.ts");
    const { stdout } = await promisify(execFile)(process.execPath, [script, file, "8"]);
    return JSON.parse(stdout);
  }

  const flat = (width: number, height: number) =>
    sharp({ create: { width, height, channels: 4, background: { r: 9, g: 20, b: 30, alpha: 0.5 } } });

  test("the largest WebP that is decoded: one at a time", { timeout: 60_000 }, async () => {
    const bytes = await flat(5792, 5792).removeAlpha().webp({ lossless: true, effort: 0 }).toBuffer();
    expect(bytes.length).toBeLessThan(100);
    const { mib, ends } = await decodeMany(bytes);
    expect(ends).toEqual(["made"]);
    expect(mib).toBeLessThan(400);
  });

  test("a WebP of 38 bytes that says 16383 × 16383: none", { timeout: 60_000 }, async () => {
    const bytes = await flat(64, 64).removeAlpha().webp({ lossless: true }).toBuffer();
    // the size of a VP8L stands behind its signature byte: 14 bits each, less one
    bytes.writeUInt32LE(((bytes.readUInt32LE(21) & 0xf0000000) | (16_382 << 14) | 16_382) >>> 0, 21);
    const { mib, ends } = await decodeMany(bytes);
    expect(ends.toSorted()).toEqual(["decoded_too_large", "refused"]);
    expect(mib).toBeLessThan(60);
  });

  test("an interlaced PNG of 16 bits: within the budget", { timeout: 60_000 }, async () => {
    const bytes = await flat(4096, 4096).toColourspace("rgb16").png({ progressive: true }).toBuffer();
    const { mib, ends } = await decodeMany(bytes);
    expect(ends).toEqual(["made"]);
    expect(mib).toBeLessThan(400);
  });
});
