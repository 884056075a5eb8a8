// The gallery in a real browser: whatever the screen and the shapes of the images, scrolling reaches the last of them.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import sharp from "sharp";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import type { ExportItem } from "../../../src/output/export/format.ts";
import { GALLERY } from "../../../src/output/export/gallery.ts";
import { openBrowser } from "../../support/browser.ts";

const PORTRAIT = { width: 928, height: 1664 };
const LANDSCAPE = { width: 1664, height: 928 };
const SQUARE = { width: 1328, height: 1328 };

/** What a gallery is made of; each image takes the next of the shapes. */
const GALLERIES = [
  { name: "197 portraits", images: 197, shapes: [PORTRAIT] },
  { name: "197 landscapes", images: 197, shapes: [LANDSCAPE] },
  { name: "2,000 of all shapes", images: 2_000, shapes: [PORTRAIT, LANDSCAPE, SQUARE] },
] as const;

const SCREENS = [
  { width: 390, height: 844 },
  { width: 820, height: 1180 },
  { width: 1280, height: 720 },
  { width: 1400, height: 900 },
  { width: 1920, height: 1080 },
  { width: 2560, height: 1440 },
] as const;

const thumbnails = new Map<object, Buffer>();

beforeAll(async () => {
  for (const shape of [PORTRAIT, LANDSCAPE, SQUARE]) {
    const small = { width: Math.round(shape.width / 32), height: Math.round(shape.height / 32) };
    const picture = sharp({ create: { ...small, channels: 3, background: "#a40" } });
    thumbnails.set(shape, await picture.webp().toBuffer());
  }
});

function item(number: number, shape: { width: number; height: number }): ExportItem {
  const line = {
    ...{
      request_id: `r-${number}`,
      batch: null,
      collection: "screens",
      tags: [],
      metadata: {},
      model: "Qwen/Qwen-Image",
    },
    ...{ prompt: `picture ${number}`, negative_prompt: "", aspect_ratio: "16:9", n: 1, seed: number, steps: 50 },
    ...{ guidance_scale: 4, recipe_id: null, index: 0, digest: String(number).padStart(64, "0"), bytes: 1 },
    ...{
      content_type: "image/png",
      ...shape,
      key: `images/${number}.png`,
      api_created: 1,
      archived_at: null,
      calls: 1,
    },
  };
  return { number, line, file: undefined, thumbnail: thumbnails.get(shape), source: {} } as unknown as ExportItem;
}

async function writeGallery({ images, shapes }: (typeof GALLERIES)[number]): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "asset-archiver-gallery-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const writing = await GALLERY.open(folder);
  for (let number = 1; number <= images; number++) {
    await writing.add(item(number, shapes[number % shapes.length] ?? SQUARE));
  }
  await writing.close();
  return pathToFileURL(join(folder, "index.html")).href;
}

// what the page's own world has of this; the program's types are Node's
declare const document: {
  querySelectorAll(selector: string): ArrayLike<unknown>;
  documentElement: { scrollHeight: number };
};
declare const window: { scrollTo(x: number, y: number): void };
declare const requestAnimationFrame: (then: (value: unknown) => void) => void;

/**
 * Runs in the page: scrolls to the end until all tiles are there, and counts them. Gives up when none is added for 20 s: a busy
 * machine takes seconds for a frame.
 */
async function scrollToEnd(expected: number): Promise<number> {
  const count = () => document.querySelectorAll(".tile").length;
  let grownAt = performance.now();
  for (let tiles = count(); tiles < expected && performance.now() - grownAt < 20_000; ) {
    window.scrollTo(0, document.documentElement.scrollHeight);
    await new Promise((resolve) => requestAnimationFrame(resolve));
    if (count() > tiles) grownAt = performance.now();
    tiles = count();
  }
  return count();
}

describe("the exported gallery", () => {
  test.for(GALLERIES)("shows each of $name on every screen", { timeout: 120_000 }, async (gallery, context) => {
    const browser = await openBrowser(context);
    const address = await writeGallery(gallery);
    for (const viewport of SCREENS) {
      const page = await browser.newPage({ viewport });
      await page.goto(address);
      const name = `${viewport.width} × ${viewport.height}`;
      expect([name, await page.evaluate(scrollToEnd, gallery.images)]).toEqual([name, gallery.images]);
      await page.close();
    }
  });
});
