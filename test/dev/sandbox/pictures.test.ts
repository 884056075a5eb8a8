// The images themselves: valid, of the right size, the same for the same recipe.
import sharp, { type OutputInfo } from "sharp";
import { describe, expect, test } from "vitest";
import { paint } from "../../../src/dev/sandbox/painting/paint.ts";
import {
  MODEL_CHANGES,
  type Picture,
  parsePictureId,
  STYLE_NAMES,
  toPictureId,
} from "../../../src/dev/sandbox/painting/picture.ts";
import { SIZES } from "../../../src/dev/sandbox/subject.ts";
import { download, generateImages, generateUrl, openTestSandbox } from "./calls.ts";

const DIGEST = "0123456789abcdeffedcba9876543210";
const picture: Picture = { digest: DIGEST, style: "hills", width: 64, height: 48, padToBytes: 0 };

async function pixelsOf(png: Buffer): Promise<{ data: Buffer; info: OutputInfo }> {
  return sharp(png, { failOn: "warning" }).raw().toBuffer({ resolveWithObject: true });
}

describe("an image", () => {
  test.each(Object.entries(SIZES))("of ratio %s has the API's size", async (aspect_ratio, [width, height]) => {
    const sandbox = await openTestSandbox({ imageScale: 0.1 });
    const facts = await sharp(await download(await generateUrl(sandbox, { aspect_ratio }))).metadata();
    expect([facts.format, facts.width, facts.height]).toEqual(["png", Math.round(width / 10), Math.round(height / 10)]);
    const [across = 0, down = 0] = aspect_ratio.split(":").map(Number);
    expect(width / height / (across / down)).toBeCloseTo(1, 1);
  });

  test("of 1:1 is 1328 × 1328 when not scaled, painted beside the server, and decodes to the end", async () => {
    const sandbox = await openTestSandbox({ imageScale: 1 });
    const { info } = await pixelsOf(await download(await generateUrl(sandbox)));
    expect([info.width, info.height, info.channels]).toEqual([1328, 1328, 3]);
  });

  test("is the same for the same recipe, in another sandbox too, and another for any other", async () => {
    const recipe = { seed: 42, n: 2 };
    const [one, other] = [await openTestSandbox(), await openTestSandbox()];
    const fetchAll = async (sandbox: typeof one, fields: object) =>
      Promise.all(
        (await generateImages(sandbox, fields)).map(async ({ url }) => (await download(url ?? "")).toString("hex")),
      );
    const images = await fetchAll(one, recipe);
    expect(await fetchAll(other, recipe)).toEqual(images);
    const changes = [
      { seed: 43 },
      { prompt: "a blue fox" },
      { negative_prompt: "fog" },
      { n: 1 },
      { steps: 21 },
      { guidance_scale: 3 },
      { aspect_ratio: "3:2" },
    ];
    const others = await Promise.all(changes.map((change) => fetchAll(one, { ...recipe, ...change })));
    const all = [...images, ...others.flat()];
    expect(new Set(all).size).toBe(all.length);
  });

  test("is another one once the model has changed, as far as it was told to", async () => {
    const sandbox = await openTestSandbox();
    const fetchOne = async () => download(await generateUrl(sandbox, { seed: 42 }));
    const before = await fetchOne();
    const after: Record<string, Buffer> = {};
    for (const modelChange of MODEL_CHANGES) {
      sandbox.configure({ modelChange });
      after[modelChange] = await fetchOne();
      expect(await fetchOne()).toEqual(after[modelChange]);
    }
    const { encoder = before, slight = before, other = before } = after;
    expect(new Set([before, encoder, slight, other].map((png) => png.toString("hex"))).size).toBe(4);
    const pixels = (await pixelsOf(before)).data;
    expect((await pixelsOf(encoder)).data.equals(pixels)).toBe(true);
    const strays = async (png: Buffer) => {
      const { data } = await pixelsOf(png);
      return data.reduce((sum, value, at) => sum + Math.abs(value - (pixels[at] ?? 0)), 0) / data.length;
    };
    expect(await strays(slight)).toBeLessThan(12);
    expect(await strays(other)).toBeGreaterThan(12);
    sandbox.configure({ modelChange: "none" });
    expect(await fetchOne()).toEqual(before);
  });

  test("comes in the form asked for with the same bytes", async () => {
    const sandbox = await openTestSandbox();
    const [image] = await generateImages(sandbox, { seed: 1, response_format: "b64_json" });
    const bytes = await download(await generateUrl(sandbox, { seed: 1 }));
    expect(image?.b64_json).toBe(`data:image/png;base64,${bytes.toString("base64")}`);
  });
});

describe("a painting", () => {
  test.each(STYLE_NAMES)("in style %s fills the canvas, portrait and landscape", async (style) => {
    for (const [width, height] of [
      [90, 40],
      [40, 90],
    ] as const) {
      const { data, info } = await pixelsOf(paint({ ...picture, style, width, height }));
      expect([info.width, info.height, info.channels]).toEqual([width, height, 3]);
      expect(new Set(data).size).toBeGreaterThan(20);
    }
  });

  test.each([20_000, 2 * 1024 * 1024, 8 * 1024 * 1024])(
    "padded to %i bytes has that size and decodes",
    async (bytes) => {
      const padded = paint({ ...picture, padToBytes: bytes });
      expect(Math.abs(padded.length - bytes)).toBeLessThan(16);
      const bare = paint(picture);
      expect((await pixelsOf(padded)).data.equals((await pixelsOf(bare)).data)).toBe(true);
      expect(padded.equals(paint({ ...picture, padToBytes: bytes }))).toBe(true);
    },
  );

  test("cut short anywhere, padded or not, is broken", async () => {
    for (const padToBytes of [0, 50_000]) {
      const png = paint({ ...picture, padToBytes });
      for (const share of [0.3, 0.6, 0.95])
        await expect(pixelsOf(png.subarray(0, Math.floor(png.length * share)))).rejects.toThrow();
    }
  });
});

test("a picture's id holds the whole picture", () => {
  for (const padToBytes of [0, 8_000_000]) {
    const whole = { ...picture, padToBytes };
    expect(parsePictureId(toPictureId(whole))).toEqual(whole);
    const changed = { ...whole, change: "slight" as const };
    expect(parsePictureId(toPictureId(changed))).toEqual(changed);
  }
  for (const id of [
    "",
    "x",
    `${DIGEST}-hills-64x48-worse`,
    `${DIGEST}-oil-64x48`,
    `${DIGEST}-hills-64x`,
    `${DIGEST}-hills-64x48-`,
  ])
    expect(parsePictureId(id)).toBeUndefined();
});

test("what the prompt speaks of decides the style, where it speaks of something", async () => {
  const sandbox = await openTestSandbox();
  expect(await generateUrl(sandbox, { prompt: "a starry sky" })).toContain("-night-");
  expect(await generateUrl(sandbox, { prompt: "一座山" })).toContain("-hills-");
});
