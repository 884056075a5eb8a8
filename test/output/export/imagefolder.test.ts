import { createHash } from "node:crypto";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { IMAGEFOLDER } from "../../../src/output/export/imagefolder.ts";
import { exportFolder, jsonLines, openArchive } from "./support.ts";

function sha256(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}

describe("imagefolder", () => {
  test("has a row for each image and an image for each row, in one split, whatever requests are called", async () => {
    const archive = await openArchive();
    await archive.add("test-1", { prompt: "一只狐狸", metadata: { deep: [1] }, tags: ["a"] });
    await archive.add("TEST-1", { metadata: "a text" }, ["image/jpeg", "image/webp"]);
    const { folder, done } = await exportFolder(archive, IMAGEFOLDER);
    expect(await readdir(folder)).toEqual(["train"]);
    const rows = jsonLines<Record<string, string>>(await readFile(join(folder, "train/metadata.jsonl")));
    const names = ["0000001-test-1-0.png", "0000002-TEST-1-0.jpg", "0000003-TEST-1-1.webp"];
    expect(rows.map((row) => row.file_name)).toEqual(names);
    expect((await readdir(join(folder, "train"))).toSorted()).toEqual([...names, "metadata.jsonl"]);
    expect(Object.keys(rows[0] ?? {}).slice(0, 3)).toEqual(["file_name", "text", "request_id"]);
    expect(rows[0]).toMatchObject({ text: "一只狐狸", prompt: "一只狐狸", tags: ["a"], metadata: '{"deep":[1]}' });
    expect(rows[1]?.metadata).toBe('"a text"');
    for (const { file_name = "", digest } of rows)
      expect(sha256(await readFile(join(folder, "train", file_name)))).toBe(digest);
    expect(done).toMatchObject({ images: 3, left_out: 0, without_recipe: 0 });
  });

  test("leaves out by name what the store does not have as it is recorded", async () => {
    const archive = await openArchive();
    const [gone] = await archive.add("gone");
    const [spoilt] = await archive.add("spoilt");
    await archive.add("fine");
    await archive.store.delete(gone?.key ?? "");
    await writeFile(archive.store.locate(spoilt?.key ?? ""), "other bytes");
    const { folder, done, leftOut } = await exportFolder(archive, IMAGEFOLDER);
    expect(done).toMatchObject({ images: 1, left_out: 2 });
    expect(leftOut).toEqual([
      "gone: it is not in the store",
      `spoilt: the store holds 11 bytes with digest ${sha256(Buffer.from("other bytes"))}`,
    ]);
    expect((await readdir(join(folder, "train"))).toSorted()).toEqual(["0000001-fine-0.png", "metadata.jsonl"]);
    expect(jsonLines(await readFile(join(folder, "train/metadata.jsonl")))).toMatchObject([{ request_id: "fine" }]);
  });
});

describe("a folder", () => {
  test("that holds anything is refused and left as it is; an empty one is taken", async () => {
    const archive = await openArchive();
    await archive.add("one");
    const { folder } = await exportFolder(archive, IMAGEFOLDER);
    await expect(exportFolder(archive, IMAGEFOLDER)).rejects.toThrow(/--output: wanted a new or an empty folder/);
    expect(await readdir(folder)).toEqual(["train"]);
    const before = await readdir(archive.folder);
    await expect(exportFolder(archive, IMAGEFOLDER, { output: join(archive.folder, "catalog.db") })).rejects.toThrow(
      /Cannot write/,
    );
    expect(await readdir(archive.folder)).toEqual(before);
  });

  test("that is interrupted is not there, nor anything of it", async () => {
    const archive = await openArchive();
    for (const id of ["one", "two", "three"]) await archive.add(id);
    const controller = new AbortController();
    const get = archive.store.get;
    archive.store.get = (key, options) => {
      if (key.endsWith(".png") && stopAfter-- === 0) controller.abort();
      return get(key, options);
    };
    let stopAfter = 1;
    const before = await readdir(archive.folder);
    await expect(exportFolder(archive, IMAGEFOLDER, { signal: controller.signal })).rejects.toThrow();
    expect(controller.signal.aborted).toBe(true);
    expect(await readdir(archive.folder)).toEqual(before);
  });
});
