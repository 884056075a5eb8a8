import { crc32 } from "node:zlib";
import fc from "fast-check";
import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { createInspector, decoding } from "../../src/image/inspect.ts";
import { toApng } from "./apng.ts";

const WIDTH = 67;
const HEIGHT = 41;

// fixed pixels with some detail, so that every format has a body worth cutting
const pixels = Buffer.from(Array.from({ length: WIDTH * HEIGHT * 3 }, (_, i) => (i * 7 + ((i * i) >> 5)) & 0xff));
const picture = () => sharp(pixels, { raw: { width: WIDTH, height: HEIGHT, channels: 3 } });
const frames = [picture().png().toBuffer(), picture().negate().png().toBuffer()];

const images = {
  png: await picture().png().toBuffer(),
  "interlaced png": await picture().png({ progressive: true }).toBuffer(),
  "palette png": await picture().png({ palette: true }).toBuffer(),
  jpeg: await picture().jpeg().toBuffer(),
  "progressive jpeg": await picture().jpeg({ progressive: true }).toBuffer(),
  webp: await picture().webp().toBuffer(),
  "lossless webp": await picture().webp({ lossless: true }).toBuffer(),
  "animated png": toApng(await Promise.all(frames)),
  "animated webp": await sharp(await Promise.all(frames), { join: { animated: true } })
    .webp({ lossless: true })
    .toBuffer(),
};
const kinds = Object.keys(images) as (keyof typeof images)[];
const inspect = createInspector();

describe("a whole image", () => {
  test.each(kinds)("%s: type and size by content", async (kind) => {
    const extension = kind.includes("png") ? "png" : kind.includes("jpeg") ? "jpg" : "webp";
    const content_type = `image/${extension === "jpg" ? "jpeg" : extension}`;
    expect(await inspect(images[kind])).toMatchObject({ content_type, extension, width: WIDTH, height: HEIGHT });
  });

  test.each(kinds)("%s: bytes after its end do no harm", async (kind) => {
    const padded = Buffer.concat([images[kind], Buffer.from("tail")]);
    await expect(inspect(padded)).resolves.toMatchObject({ width: WIDTH });
  });
});

describe("an image cut short", () => {
  test.each(kinds)("%s: is refused wherever it is cut", async (kind) => {
    const whole = images[kind];
    const cut = fc.integer({ min: 0, max: whole.length - 1 });
    const property = fc.asyncProperty(cut, async (length) => {
      await expect(inspect(whole.subarray(0, length))).rejects.toMatchObject({
        name: "TransientError",
        code: expect.stringMatching(/^(not_an_image|image_broken)$/),
      });
    });
    // the last bytes are where decoders are lenient: each of them, and a sample of the rest
    const lastBytes = Array.from({ length: 24 }, (_, i): [number] => [whole.length - 1 - i]);
    await fc.assert(property, { numRuns: 150, examples: lastBytes });
  });
});

describe("a damaged image", () => {
  test("a PNG with a wrong checksum over its pixels is broken", async () => {
    const damaged = Buffer.from(images.png);
    const idat = damaged.indexOf("IDAT");
    const end = idat + 4 + damaged.readUInt32BE(idat - 4);
    expect(damaged.readUInt32BE(end)).toBe(crc32(damaged.subarray(idat, end)));
    damaged.writeUInt32BE((damaged.readUInt32BE(end) ^ 1) >>> 0, end);
    await expect(inspect(damaged)).rejects.toMatchObject({ code: "image_broken" });
  });

  test("a PNG with changed pixel data is broken, whichever byte it is", async () => {
    const idat = images.png.indexOf("IDAT");
    const length = images.png.readUInt32BE(idat - 4);
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: length - 1 }), fc.integer({ min: 1, max: 255 }), async (at, flip) => {
        const damaged = Buffer.from(images.png);
        const where = idat + 4 + at;
        damaged[where] = (damaged[where] ?? 0) ^ flip;
        await expect(inspect(damaged)).rejects.toMatchObject({ code: "image_broken" });
      }),
      { numRuns: 50 },
    );
  });

  test("a second frame of an animated WebP is decoded too", async () => {
    const damaged = Buffer.from(images["animated webp"]);
    const second = damaged.lastIndexOf("ANMF");
    expect(second).toBeGreaterThan(damaged.indexOf("ANMF"));
    // past the frame's headers, which are read without decoding it
    damaged.fill(0xff, second + 60);
    await expect(inspect(damaged)).rejects.toMatchObject({ code: "image_broken" });
  });
});

describe("an animated PNG", () => {
  const whole = images["animated png"];

  test("a damaged second frame makes it broken", async () => {
    const damaged = Buffer.from(whole);
    const at = damaged.indexOf("fdAT") + 40;
    damaged[at] = (damaged[at] ?? 0) ^ 1;
    await expect(inspect(damaged)).rejects.toMatchObject({ code: "image_broken" });
  });

  test("a second frame whose pixels stop early makes it broken, whatever its checksum", async () => {
    const [first, second] = await Promise.all(frames);
    const short = toApng([first as Buffer, second as Buffer], { keep: 60 });
    await expect(inspect(short)).rejects.toMatchObject({ code: "image_broken" });
  });

  test("fewer frames than it announces make it broken", async () => {
    const fewer = toApng(await Promise.all(frames), { announced: 3 });
    await expect(inspect(fewer)).rejects.toMatchObject({ code: "image_broken", message: /2 of the 3 frames/ });
  });
});

describe("EXIF orientation", () => {
  // red on the left, blue on the right
  const stored = Buffer.from(Array.from({ length: 8 * 4 }, (_, i) => (i % 8 < 4 ? [255, 0, 0] : [0, 0, 255])).flat());
  const turned = (orientation: number) =>
    sharp(stored, { raw: { width: 8, height: 4, channels: 3 } }).withMetadata({ orientation });

  test.each([1, 2, 3, 4, 5, 6, 7, 8])("%d: the preview is upright, the size that of the stored rows", async (value) => {
    for (const format of ["png", "webp", "jpeg"] as const) {
      const lossless = format === "webp" ? { lossless: true } : {};
      const bytes = await turned(value)
        .toFormat(format, format === "jpeg" ? { quality: 100, chromaSubsampling: "4:4:4" } : lossless)
        .toBuffer();
      const { preview, width, height } = await inspect(bytes);
      const upright = await sharp(bytes).autoOrient().toColourspace("srgb").raw().toBuffer({ resolveWithObject: true });
      expect([width, height]).toEqual([8, 4]);
      expect([preview.width, preview.height]).toEqual([upright.info.width, upright.info.height]);
      const off = upright.data.map((color, at) => Math.abs(color - (preview.pixels[at] ?? 0)));
      expect(Math.max(...off)).toBeLessThan(12);
    }
  });
});

test.each([
  ["nothing", Buffer.alloc(0)],
  ["an HTML page", Buffer.from("<!DOCTYPE html><html></html>")],
  ["an SVG", Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>')],
  ["a GIF", await picture().gif().toBuffer()],
  ["a RIFF that is no WebP", Buffer.from("RIFF\x10\0\0\0WAVEfmt ")],
])("%s is not an image", async (_, bytes) => {
  await expect(inspect(bytes)).rejects.toMatchObject({ name: "TransientError", code: "not_an_image" });
});

test("no more are decoded at a time than allowed, and all get their own answer, failures among them", async () => {
  let most = 0;
  const count = (queued: number) => {
    most = Math.max(most, queued + sharp.counters().process);
  };
  sharp.queue.on("change", count);
  const two = createInspector({ concurrency: 2 });
  const cut = images.jpeg.subarray(0, -9);
  const ended = await Promise.allSettled(Array.from({ length: 12 }, (_, i) => two(i % 3 === 0 ? cut : images.webp)));
  sharp.queue.off("change", count);
  expect(ended.map((end) => end.status)).toEqual(
    Array.from({ length: 12 }, (_, i) => (i % 3 === 0 ? "rejected" : "fulfilled")),
  );
  expect(most).toBeGreaterThan(0);
  // sharp counts a task a moment longer than it runs, so that each of the two may be seen twice; unbounded it is 12
  expect(most).toBeLessThanOrEqual(4);
});

describe("a decoder that lacks something", () => {
  test("runs out of time, which says nothing about the image", { timeout: 60_000 }, async () => {
    const large = sharp({ create: { width: 4_000, height: 4_000, channels: 3, background: "#456" } });
    const slow = () => large.timeout({ seconds: 1 }).webp({ effort: 6, lossless: true, quality: 100 }).toBuffer();
    const endless = async () => {
      for (let times = 0; times < 50; times++) await slow();
    };
    const many = sharp({ create: { width: 8_000, height: 8_000, channels: 3, background: "#456" } });
    const blurred = () => many.median(25).timeout({ seconds: 1 }).png().toBuffer();
    await expect(decoding(() => Promise.race([blurred(), endless()]))).rejects.toMatchObject({
      name: "TransientError",
      code: "decode_interrupted",
    });
  });

  test.each([
    "timeout: 42% complete",
    "vips_tracked: out of memory --- size == 3MB",
    "VipsJpeg: Insufficient memory (case 4)",
  ])("%s", async (message) => {
    const failing = () => Promise.reject(new Error(message));
    await expect(decoding(failing)).rejects.toMatchObject({ code: "decode_interrupted" });
  });
});
