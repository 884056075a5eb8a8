import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { runInNewContext } from "node:vm";
import { describe, expect, test } from "vitest";
import { findType } from "../../../src/image/type.ts";
import { GRID_SCRIPT } from "../../../src/output/export/gallery/grid-script.ts";
import { GALLERY } from "../../../src/output/export/gallery.ts";
import { toExportLine } from "../../../src/output/report/export-line.ts";
import { exportFolder, openArchive } from "./support.ts";

const EVIL = "</script><script>alert(1)</script> <img src=x onerror=alert(2)> \u2028 \u0024{x} `";

/** What the scripts of lines hand to the page, one after the other. */
async function readLines(folder: string): Promise<Record<string, unknown>[]> {
  const lines: Record<string, unknown>[] = [];
  for (let page = 1; page <= (await readdir(join(folder, "data"))).length; page++) {
    const script = await readFile(join(folder, "data", `${page}.js`), "utf8");
    runInNewContext(script, { gallery: (more: Record<string, unknown>[]) => void lines.push(...more) });
  }
  return JSON.parse(JSON.stringify(lines)) as Record<string, unknown>[];
}

describe("gallery", () => {
  test("has a line, a thumbnail and the picture itself for each image", async () => {
    const archive = await openArchive();
    await archive.add("one", { prompt: EVIL, collection: "动物" });
    await archive.add("two", {}, ["image/jpeg", "image/webp"]);
    const { folder, done } = await exportFolder(archive, GALLERY);
    expect(done).toMatchObject({ images: 3, left_out: 0 });
    const lines = await readLines(folder);
    expect(lines.map(({ thumbnail, file, ...line }) => line)).toEqual(
      [...archive.catalog.listArchivedImages()].map((image) => JSON.parse(JSON.stringify(toExportLine(image)))),
    );
    for (const { thumbnail, file, digest } of lines as Record<string, string>[]) {
      expect(findType(await readFile(join(folder, thumbnail ?? "")))?.content_type).toBe("image/webp");
      const original = await readFile(join(folder, file ?? ""));
      expect(createHash("sha256").update(original).digest("hex")).toBe(digest);
    }
  });

  test("without originals has none, and says so", async () => {
    const archive = await openArchive();
    await archive.add("one");
    const { folder } = await exportFolder(archive, GALLERY, { wants: { images: false, thumbnails: true } });
    expect((await readdir(folder)).toSorted()).toEqual(["data", "index.html", "thumbnails"]);
    expect(await readLines(folder)).toMatchObject([{ file: null, thumbnail: "thumbnails/1.webp" }]);
  });

  test("its page has nothing of what producers wrote, and nothing from elsewhere; its policy fits its script and style", async () => {
    const archive = await openArchive();
    await archive.add("one", { prompt: EVIL });
    const { folder } = await exportFolder(archive, GALLERY);
    const page = await readFile(join(folder, "index.html"), "utf8");
    expect(page).not.toContain("alert(");
    expect(page).not.toMatch(/https?:/);
    expect(page).not.toMatch(/innerHTML|insertAdjacentHTML|document\.write|\bfetch\(/);
    const policy = /Content-Security-Policy" content="([^"]*)"/.exec(page)?.[1] ?? "";
    for (const name of ["script", "style"]) {
      const text = new RegExp(`<${name}>([\\s\\S]*?)</${name}>`).exec(page)?.[1] ?? "";
      expect(policy).toContain(`${name}-src 'sha256-${createHash("sha256").update(text).digest("base64")}'`);
    }
    expect(page).toContain('data-images="1" data-pages="1"');
  });

  test("of nothing there is a page, too", async () => {
    const { folder } = await exportFolder(await openArchive(), GALLERY);
    expect(await readFile(join(folder, "index.html"), "utf8")).toContain('data-images="0" data-pages="0"');
    expect(await readdir(join(folder, "data"))).toEqual([]);
  });

  test("leaves out what shows no picture", async () => {
    const archive = await openArchive();
    const [gone] = await archive.add("gone");
    await archive.add("fine");
    await archive.store.delete(gone?.key ?? "");
    const thumbnailsOnly = { wants: { images: false, thumbnails: true } };
    const { folder, done, leftOut } = await exportFolder(archive, GALLERY, thumbnailsOnly);
    expect(done).toMatchObject({ images: 1, left_out: 1 });
    expect(leftOut).toEqual(["gone: no thumbnail of it can be made"]);
    expect(await readLines(folder)).toMatchObject([{ request_id: "fine", thumbnail: "thumbnails/1.webp" }]);
  });
});

describe("the gallery's search", () => {
  const LINES = [
    ["fox-1", "A red Fox in the snow", ["winter", "client a"], "animals", "abcdef12"],
    ["fox-2", "一只红色狐狸在雪地里奔跑", ["狐狸"], "动物", "00ff00ff"],
    ["cat-1", "un café à Paris, ｆｕｌｌ width", [], "covers", "abcdef99"],
  ].map(([request_id, prompt, tags, collection, digest]) => ({
    ...{ request_id, prompt, tags, collection, digest },
    ...{ negative_prompt: "", batch: null, model: "Qwen/Qwen-Image", seed: 42, recipe_id: null },
  }));

  function find(words: string): unknown[] {
    const context = { document: { documentElement: { dataset: {} } }, LINES, words };
    const script = `${GRID_SCRIPT}\nLINES.filter((line) => toTerms(words).every((term) => fits(line, term))).map((line) => line.request_id)`;
    return [...(runInNewContext(script, context) as unknown[])];
  }

  test.each([
    ["", ["fox-1", "fox-2", "cat-1"]],
    ["fox", ["fox-1", "fox-2"]],
    ["RED fox", ["fox-1"]],
    ['"fox red"', []],
    ['"fox in the"', ["fox-1"]],
    ["fox -snow", ["fox-2"]],
    ["狐狸", ["fox-2"]],
    ["红色 雪", ["fox-2"]],
    ["动物", ["fox-2"]],
    ["cafe full", ["cat-1"]],
    ['"client a"', ["fox-1"]],
    ["seed 42", ["fox-1", "fox-2", "cat-1"]],
    ["abcdef", ["fox-1", "cat-1"]],
    ["abcdef9", ["cat-1"]],
    ["ff00ff", []],
    ['"', ["fox-1", "fox-2", "cat-1"]],
  ])("for %j finds %j", (words, ids) => {
    expect(find(words)).toEqual(ids);
  });
});
