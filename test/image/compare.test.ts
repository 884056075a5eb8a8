import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { paint } from "../../src/dev/sandbox/painting/paint.ts";
import { type Comparison, compareImages, NEAR_MAX_DISTANCE } from "../../src/image/compare.ts";

const WIDTH = 96;
const HEIGHT = 64;

/** Pictures as the sandbox paints them, with large and small shapes. */
function bytesOf(digit: string): Buffer {
  return paint({ digest: digit.repeat(32), style: "hills", width: WIDTH, height: HEIGHT, padToBytes: 0 });
}

const png = bytesOf("1");
const other = bytesOf("5");
const picture = () => sharp(png);

async function outcomeOf(one: Buffer, two: Buffer): Promise<Comparison["outcome"]> {
  return (await compareImages(one, two)).outcome;
}

test("the same bytes are identical bytes, and nothing is decoded for it", async () => {
  expect(await compareImages(png, Buffer.from(png))).toEqual({
    outcome: "identical_bytes",
    distance: null,
    mean_error: null,
  });
  const noImage = Buffer.from("no image at all");
  expect(await outcomeOf(noImage, Buffer.from(noImage))).toBe("identical_bytes");
});

describe("the same pixels in other bytes are identical pixels", () => {
  test.each<[string, () => Promise<Buffer>]>([
    ["packed harder", () => picture().png({ compressionLevel: 1 }).toBuffer()],
    ["interlaced", () => picture().png({ progressive: true }).toBuffer()],
    ["lossless WebP", () => picture().webp({ lossless: true }).toBuffer()],
    ["with an alpha channel that hides nothing", () => picture().ensureAlpha().png().toBuffer()],
  ])("%s", async (_, make) => {
    const made = await make();
    expect(made.equals(png)).toBe(false);
    expect(await compareImages(png, made)).toEqual({ outcome: "identical_pixels", distance: 0, mean_error: 0 });
  });

  test("grey as grey and as red, green and blue", async () => {
    const grey = picture().greyscale();
    const one = await grey.clone().toColourspace("b-w").png().toBuffer();
    const three = await sharp(await grey.clone().toColourspace("srgb").png().toBuffer())
      .toColourspace("srgb")
      .png()
      .toBuffer();
    expect((await sharp(one).metadata()).channels).toBe(1);
    expect(await outcomeOf(one, three)).toMatch(/^identical/);
  });
});

describe("what differs in one place only is near, and says by how much", () => {
  async function withPixel(channel: number, value: number): Promise<Buffer> {
    const { data, info } = await sharp(png).ensureAlpha().raw().toBuffer({ resolveWithObject: true });
    data[(HEIGHT * WIDTH * 4) / 2 + channel] = value;
    return sharp(data, { raw: info }).png().toBuffer();
  }

  test.each([0, 1, 2, 3])("channel %i of one pixel", async (channel) => {
    const made = await withPixel(channel, 7);
    const { outcome, mean_error } = await compareImages(png, made);
    expect(outcome).toBe("near");
    expect(mean_error).toBeGreaterThan(0);
    expect(mean_error).toBeLessThan(0.1);
  });

  test("the low byte of a 16-bit image", async () => {
    const wide = async (value: number) => {
      const pixels = new Uint16Array(32 * 32 * 3).map((_, at) => 20_000 + at * 4);
      pixels[0] = value;
      return sharp(pixels, { raw: { width: 32, height: 32, channels: 3 } })
        .toColourspace("rgb16")
        .png()
        .toBuffer();
    };
    const [one, two] = [await wide(20_000), await wide(20_001)];
    expect((await sharp(one).metadata()).depth).toBe("ushort");
    const { outcome, mean_error } = await compareImages(one, two);
    expect(outcome).toBe("near");
    expect(mean_error).toBeGreaterThan(0);
    expect(mean_error).toBeLessThan(0.001);
  });

  test("the second frame of an animation", async () => {
    const animate = (last: Buffer) =>
      sharp([png, last], { join: { animated: true } })
        .webp({ lossless: true })
        .toBuffer();
    const [one, two] = [await animate(other), await animate(bytesOf("9"))];
    const { outcome, mean_error } = await compareImages(one, two);
    expect(outcome).toBe("near");
    expect(mean_error).toBeGreaterThan(1);
    expect(await compareImages(one, png)).toMatchObject({ outcome: "near", mean_error: null });
  });
});

describe("what an eye takes for the same is near", () => {
  test.each<[string, () => Promise<Buffer>]>([
    ["a JPEG", () => picture().jpeg({ quality: 60 }).toBuffer()],
    ["a WebP", () => picture().webp({ quality: 60 }).toBuffer()],
    ["a little lighter", () => picture().modulate({ brightness: 1.06 }).png().toBuffer()],
    ["at another size", () => picture().resize(192, 128).png().toBuffer()],
  ])("%s", async (_, make) => {
    const { outcome, distance, mean_error } = await compareImages(png, await make());
    expect(outcome).toBe("near");
    expect(distance).toBeLessThanOrEqual(NEAR_MAX_DISTANCE);
    expect(mean_error === null || mean_error > 0).toBe(true);
  });
});

test("a picture that is all of one wave is near itself with a little noise, although its hash is not", async () => {
  const wave = Uint8Array.from({ length: WIDTH * HEIGHT * 3 }, (_, at) => {
    const [x, y] = [Math.floor(at / 3) % WIDTH, Math.floor(at / 3 / WIDTH)];
    return Math.round(110 + Math.sin(x / 9) * 60 + Math.cos(y / 7) * 50 + (at % 3) * 12);
  });
  const raw = { width: WIDTH, height: HEIGHT, channels: 3 } as const;
  const [clean, noisy] = [wave, wave.map((value, at) => value + ((at * 7) % 3))];
  const encode = (pixels: Uint8Array) => sharp(pixels, { raw }).png().toBuffer();
  const { outcome, distance, mean_error } = await compareImages(await encode(clean), await encode(noisy));
  expect(distance).toBeGreaterThan(NEAR_MAX_DISTANCE);
  expect(mean_error).toBeLessThan(1);
  expect(outcome).toBe("near");
});

test("another picture has drifted, whichever of the two is the original", async () => {
  const { outcome, distance, mean_error } = await compareImages(png, other);
  expect(outcome).toBe("drifted");
  expect(distance).toBeGreaterThan(NEAR_MAX_DISTANCE);
  expect(mean_error).toBeGreaterThan(10);
  expect(await compareImages(other, png)).toEqual({ outcome, distance, mean_error });
});

test.each([
  ["no image", Buffer.from("no image"), "not_an_image"],
  ["half an image", png.subarray(0, png.length >> 1), "image_broken"],
])("%s is an error and no outcome, on either side", async (_, bytes, code) => {
  await expect(compareImages(bytes, png)).rejects.toMatchObject({ code });
  await expect(compareImages(png, bytes)).rejects.toMatchObject({ code });
});
