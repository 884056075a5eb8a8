import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { crc32, inflateSync } from "node:zlib";
import fc from "fast-check";
import sharp from "sharp";
import { describe, expect, test } from "vitest";
import type { ArchivedImage } from "../../../src/domain/records.ts";
import { embedRecipe } from "../../../src/output/export/embed.ts";
import { IMAGEFOLDER } from "../../../src/output/export/imagefolder.ts";
import { originOf } from "../../../src/output/export/origin.ts";
import { canHoldTexts, withTexts } from "../../../src/output/export/png-chunks.ts";
import { type Archive, exportFolder, jsonLines, makeImage, openArchive } from "./support.ts";

interface Chunk {
  type: string;
  data: Buffer;
}

/** A reader of its own, which checks every sum. */
function readChunks(png: Buffer): Chunk[] {
  const chunks: Chunk[] = [];
  for (let at = 8; at < png.length; ) {
    const length = png.readUInt32BE(at);
    const data = png.subarray(at + 8, at + 8 + length);
    expect(png.readUInt32BE(at + 8 + length)).toBe(crc32(png.subarray(at + 4, at + 8 + length)));
    chunks.push({ type: png.toString("latin1", at + 4, at + 8), data });
    at += 12 + length;
  }
  return chunks;
}

/** The texts by keyword, decoded as PNG has it. */
function readTexts(png: Buffer): [keyword: string, chunk: string, text: string][] {
  return readChunks(png).flatMap(({ type, data }) => {
    const zero = data.indexOf(0);
    const keyword = data.toString("latin1", 0, zero);
    if (type === "tEXt") return [[keyword, type, data.toString("latin1", zero + 1)]];
    if (type === "zTXt") return [[keyword, type, inflateSync(data.subarray(zero + 2)).toString("latin1")]];
    if (type !== "iTXt") return [];
    const language = data.indexOf(0, zero + 3);
    return [[keyword, type, data.toString("utf8", data.indexOf(0, language + 1) + 1)]];
  });
}

async function pngOf(archive: Archive, id: string): Promise<{ bytes: Buffer; image: ArchivedImage }> {
  const [image] = [...archive.catalog.listArchivedImages({ requests: [id] })];
  const bytes = image && (await archive.store.get(image.asset.key));
  if (image === undefined || bytes === undefined) throw new Error(`Got no image of "${id}"`);
  return { bytes, image };
}

describe("a PNG that carries its recipe", () => {
  test("has it as the common tools read it", async () => {
    const archive = await openArchive();
    const prompt = "a red fox, café\nin the snow";
    await archive.add("one", { prompt, negative_prompt: "blurry", seed: 42, steps: 20, guidance_scale: 2.5 });
    const { bytes, image } = await pngOf(archive, "one");
    const [[keyword, chunk, text] = []] = readTexts(embedRecipe(bytes, image) ?? Buffer.alloc(0));
    expect([keyword, chunk]).toEqual(["parameters", "tEXt"]);
    expect(text?.split("\n")).toEqual([
      "a red fox, café",
      "in the snow",
      "Negative prompt: blurry",
      `Steps: 20, CFG scale: 2.5, Seed: 42, Size: 16x9, Model: Qwen/Qwen-Image, Recipe id: ${image.request.recipe_id}`,
    ]);
  });

  test("has it in UTF-8 where Latin-1 is too small, names its place among several, and leaves no line for nothing", async () => {
    const archive = await openArchive();
    await archive.add("two", { prompt: "一只狐狸 🦊", model: "a: b, c" }, ["image/png", "image/png"]);
    const { bytes, image } = await pngOf(archive, "two");
    const [[, chunk, text] = []] = readTexts(embedRecipe(bytes, image) ?? Buffer.alloc(0));
    expect(chunk).toBe("iTXt");
    expect(text).toMatch(/^一只狐狸 🦊\nSteps: 20, .*, Model: "a: b, c", Batch size: 2, Batch pos: 0, Recipe id: /);
  });

  test("says in XMP what made it, and has the whole recipe there, exactly", async () => {
    const archive = await openArchive();
    const prompt = 'a <b> & "c" 狐\u0001\u0085\r\nx';
    await archive.add("one", { prompt, tags: ["<t>"], collection: "动物" });
    const { bytes, image } = await pngOf(archive, "one");
    const [, [keyword, chunk, xmp = ""] = []] = readTexts(embedRecipe(bytes, image) ?? Buffer.alloc(0));
    expect([keyword, chunk]).toEqual(["XML:com.adobe.xmp", "iTXt"]);
    const property = (name: string) => unescapeXml(new RegExp(`<${name}>(?:<[^>]*>)*([^<]*)`).exec(xmp)?.[1] ?? "");
    expect(property("Iptc4xmpExt:DigitalSourceType")).toBe(
      "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia",
    );
    expect(property("dc:description")).toBe('a <b> & "c" 狐\ufffd\u0085\r\nx');
    expect(JSON.parse(property("archiver:recipe"))).toEqual({
      request_id: "one",
      index: 0,
      recipe_id: image.request.recipe_id,
      recipe: { ...image.request.recipe, prompt },
      digest: image.asset.digest,
    });
  });

  test("says of which image it is a copy, whatever its prompt says", async () => {
    const archive = await openArchive();
    await archive.add("one", { prompt: `</archiver:recipe><archiver:recipe>{"digest":"${"0".repeat(64)}"}` });
    const { bytes, image } = await pngOf(archive, "one");
    const copy = embedRecipe(bytes, image) ?? Buffer.alloc(0);
    expect(originOf(copy)).toBe(image.asset.digest);
    expect(originOf(copy.subarray(0, 8_192))).toBe(image.asset.digest);
    for (const other of [bytes, copy.subarray(0, 60), Buffer.from("no image"), Buffer.alloc(0)])
      expect(originOf(other)).toBeUndefined();
  });

  test("is the same picture: every other chunk is where it was, and the pixels are equal", async () => {
    const archive = await openArchive();
    await archive.add("one");
    const { bytes, image } = await pngOf(archive, "one");
    const copy = embedRecipe(bytes, image) ?? Buffer.alloc(0);
    const others = readChunks(copy).filter(({ type }) => !type.endsWith("Xt"));
    expect(others).toEqual(readChunks(bytes));
    expect(await sharp(copy).raw().toBuffer()).toEqual(await sharp(bytes).raw().toBuffer());
  });

  test("has no second text of the same keyword, and keeps all others", async () => {
    const { bytes } = await makeImage("image/png", 1);
    const once = withTexts(bytes, [
      { keyword: "parameters", text: "old" },
      { keyword: "Title", text: "kept" },
    ]);
    expect(readTexts(withTexts(once, [{ keyword: "parameters", text: "新" }]))).toEqual([
      ["parameters", "iTXt", "新"],
      ["Title", "tEXt", "kept"],
    ]);
  });

  test("comes back as it was put in, for any text without a zero", async () => {
    const { bytes } = await makeImage("image/png", 1);
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (text) => {
        const [[, , read] = []] = readTexts(withTexts(bytes, [{ keyword: "parameters", text }]));
        expect(read).toBe(text.replaceAll("\0", ""));
      }),
    );
  });
});

test("what cannot carry a recipe is left alone: JPEG, WebP, what is signed, what is cut short", async () => {
  const archive = await openArchive();
  await archive.add("jpeg", {}, ["image/jpeg"]);
  const { bytes, image } = await pngOf(archive, "jpeg");
  expect(embedRecipe(bytes, image)).toBeUndefined();
  const { bytes: png } = await makeImage("image/png", 1);
  const credentials = Buffer.alloc(12);
  credentials.write("caBX", 4, "latin1");
  expect(canHoldTexts(png)).toBe(true);
  expect(canHoldTexts(Buffer.concat([png.subarray(0, 33), credentials, png.subarray(33)]))).toBe(false);
  expect(canHoldTexts(png.subarray(0, -1))).toBe(false);
});

test("an export with recipes tells both digests, and leaves the store as it was", async () => {
  const archive = await openArchive();
  const [asset] = await archive.add("one");
  await archive.add("two", {}, ["image/webp"]);
  const before = await archive.store.get(asset?.key ?? "");
  const { folder, done } = await exportFolder(archive, IMAGEFOLDER, { embed: true });
  expect(done).toMatchObject({ images: 2, without_recipe: 1 });
  const [one, two] = jsonLines<Record<string, string>>(await readFile(join(folder, "train/metadata.jsonl")));
  const copy = await readFile(join(folder, "train", one?.file_name ?? ""));
  expect(one?.digest).toBe(asset?.digest);
  expect(one?.file_digest).toBe(createHash("sha256").update(copy).digest("hex"));
  expect(one?.file_digest).not.toBe(one?.digest);
  expect(two).not.toHaveProperty("file_digest");
  expect(await archive.store.get(asset?.key ?? "")).toEqual(before);
});

const ENTITIES: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"', "#13": "\r" };

function unescapeXml(text: string): string {
  return text.replace(/&([a-z]+|#13);/g, (_, name: string) => ENTITIES[name] ?? "");
}
