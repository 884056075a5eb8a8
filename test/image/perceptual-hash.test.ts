import fc from "fast-check";
import sharp, { type Sharp } from "sharp";
import { describe, expect, test } from "vitest";
import { createInspector } from "../../src/image/inspect.ts";
import { findNear, hashDistance, toPerceptualHash } from "../../src/image/perceptual-hash.ts";

const inspect = createInspector();

/** A scene of soft blobs: smooth like a photo, and another one for each seed. */
function scene(seed: number, size = 400) {
  const spots = Array.from({ length: 36 }, (_, i) => (Math.imul(i + 1, 2654435761 + seed * 40503) >>> 8) & 0xff);
  return sharp(Buffer.from(spots), { raw: { width: 6, height: 6, channels: 1 } })
    .resize(size, size, { kernel: "cubic" })
    .toColourspace("srgb");
}

const hashOf = async (picture: Sharp) => (await inspect(await picture.png().toBuffer())).phash;

describe("pictures that look alike have hashes that are near", () => {
  const variants: Record<string, (picture: Buffer) => Promise<Buffer>> = {
    "half the size": (png) => sharp(png).resize(200).png().toBuffer(),
    "another shape": (png) => sharp(png).resize(320, 180, { fit: "fill" }).png().toBuffer(),
    "a poor JPEG": (png) => sharp(png).jpeg({ quality: 20 }).toBuffer(),
    "a WebP": (png) => sharp(png).webp().toBuffer(),
    brighter: (png) => sharp(png).modulate({ brightness: 1.1 }).png().toBuffer(),
    "without colour": (png) => sharp(png).greyscale().png().toBuffer(),
    "sixteen bits": (png) => sharp(png).toColourspace("rgb16").png().toBuffer(),
    "an alpha channel": (png) => sharp(png).ensureAlpha().png().toBuffer(),
  };

  test.each(Object.keys(variants))("%s", async (name) => {
    const png = await scene(1).png().toBuffer();
    const [original, variant] = [await inspect(png), await inspect((await variants[name]?.(png)) ?? png)];
    expect(hashDistance(original.phash, variant.phash)).toBeLessThanOrEqual(6);
  });
});

test("pictures that have nothing in common are far apart", async () => {
  const hashes = await Promise.all([1, 2, 3, 4, 5].map((seed) => hashOf(scene(seed))));
  const distances = hashes.flatMap((one, at) => hashes.slice(at + 1).map((other) => hashDistance(one, other)));
  expect(Math.min(...distances)).toBeGreaterThan(14);
});

test("only the first frame of an animation counts", async () => {
  const frames = await Promise.all([scene(1).png().toBuffer(), scene(2).png().toBuffer()]);
  const both = await sharp(frames, { join: { animated: true } })
    .webp({ lossless: true })
    .toBuffer();
  const { phash, preview } = await inspect(both);
  expect(hashDistance(phash, await hashOf(scene(1)))).toBeLessThanOrEqual(2);
  expect(preview).toMatchObject({ width: 300, height: 300 });
  expect(preview.pixels).toHaveLength(300 * 300 * preview.channels);
});

test("what is transparent counts as white", async () => {
  const white = { r: 255, g: 255, b: 255, alpha: 1 };
  const clear = { r: 0, g: 0, b: 0, alpha: 0 };
  const disc = Buffer.from('<svg width="200" height="200"><circle cx="70" cy="110" r="60" fill="#125"/></svg>');
  const on = (background: object) =>
    sharp({ create: { width: 200, height: 200, channels: 4, background } }).composite([{ input: disc }]);
  expect(hashDistance(await hashOf(on(white)), await hashOf(on(clear)))).toBe(0);
});

test.each([1, 5, 31, 33])("an image of %i × 3 pixels has a hash, too", async (width) => {
  const pixels = { create: { width, height: 3, channels: 3 as const, background: "#345" } };
  expect(await hashOf(sharp(pixels))).toMatch(/^[0-9a-f]{16}$/);
});

describe("the arithmetic", () => {
  const hash = fc
    .array(fc.constantFrom(..."0123456789abcdef"), { minLength: 16, maxLength: 16 })
    .map((all) => all.join(""));

  test("the distance is the number of bits that differ", () => {
    fc.assert(
      fc.property(hash, hash, (one, other) => {
        const bits = (BigInt(`0x${one}`) ^ BigInt(`0x${other}`)).toString(2).replaceAll("0", "").length;
        expect(hashDistance(one, other)).toBe(bits);
      }),
    );
  });

  test("the near ones among many are those whose distance is small enough, in their order", () => {
    fc.assert(
      fc.property(fc.array(hash), hash, fc.integer({ min: 0, max: 64 }), fc.nat(3), (hashes, wanted, most, offset) => {
        // bytes that begin anywhere in their memory, as those of a pool do
        const bytes = Buffer.from("00".repeat(offset) + hashes.join(""), "hex").subarray(offset);
        const near = hashes
          .map((one, at) => ({ at, distance: hashDistance(one, wanted) }))
          .filter(({ distance }) => distance <= most);
        expect(findNear(bytes, wanted, most)).toEqual(near);
      }),
    );
  });

  test("a flat field has no frequencies above the others", () => {
    expect(toPerceptualHash(new Uint8Array(1024).fill(200))).toBe("8000000000000000");
  });

  test("another number of grey values is refused", () => {
    expect(() => toPerceptualHash(new Uint8Array(64))).toThrow("Cannot hash 64 grey values, wanted 1024");
  });
});
