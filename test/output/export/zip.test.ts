import { createHash } from "node:crypto";
import { readdirSync } from "node:fs";
import { buffer } from "node:stream/consumers";
import { crc32 } from "node:zlib";
import { expect, onTestFinished, test, vi } from "vitest";
import yauzl from "yauzl";
import type { Sink } from "../../../src/output/export/format.ts";
import { ZIP } from "../../../src/output/export/zip.ts";
import { toExportLine } from "../../../src/output/report/export-line.ts";
import { exportFile, jsonLines, openArchive } from "./support.ts";

async function unzip(bytes: Buffer): Promise<Map<string, Buffer>> {
  const zip = await yauzl.fromBufferPromise(bytes);
  const files = new Map<string, Buffer>();
  for await (const entry of zip.eachEntry()) {
    const content = await buffer(await zip.openReadStreamPromise(entry));
    // the reader looks at sizes and not at sums
    expect(crc32(content)).toBe(entry.crc32);
    files.set(entry.fileName, content);
  }
  return files;
}

test("holds each image as it is archived, a line for each, and a word on what it is", async () => {
  const archive = await openArchive();
  await archive.add("one", { prompt: "一只狐狸", metadata: { deep: [1] } });
  await archive.add("two", {}, ["image/jpeg", "image/webp"]);
  const { bytes, done } = await exportFile(archive, ZIP);
  const files = await unzip(bytes);
  expect(done).toMatchObject({ images: 3, left_out: 0 });
  expect([...files.keys()]).toEqual([
    "README.txt",
    "images/0000001-one-0.png",
    "images/0000002-two-0.jpg",
    "images/0000003-two-1.webp",
    "metadata.jsonl",
  ]);
  const rows = jsonLines(files.get("metadata.jsonl") ?? "");
  const lines = [...archive.catalog.listArchivedImages()].map(toExportLine);
  expect(rows).toEqual(
    lines.map((line, at) => ({ file_name: [...files.keys()][at + 1], ...JSON.parse(JSON.stringify(line)) })),
  );
  for (const { file_name, digest } of rows as { file_name: string; digest: string }[])
    expect(
      createHash("sha256")
        .update(files.get(file_name) ?? "")
        .digest("hex"),
    ).toBe(digest);
});

test("a process that is killed in the middle leaves nothing behind", async () => {
  const archive = await openArchive();
  await archive.add("one");
  vi.stubEnv("TMPDIR", archive.folder);
  onTestFinished(() => void vi.unstubAllEnvs());
  const before = readdirSync(archive.folder);
  let during: string[] = [];
  const watching = (sink: Sink): Sink => ({
    write: async (chunk) => {
      during = readdirSync(archive.folder);
      await sink.write(chunk);
    },
  });
  const { done } = await exportFile(archive, { ...ZIP, open: (sink: Sink) => ZIP.open(watching(sink)) });
  expect(done.images).toBe(1);
  expect(during).toEqual(before);
});

test("a failing target ends the export with its own error", async () => {
  const archive = await openArchive();
  await archive.add("one");
  const writing = ZIP.open({
    write: async () => {
      throw new Error("the disk is full");
    },
  });
  await expect(writing.close()).rejects.toThrow("the disk is full");
  await writing.release?.();
});
