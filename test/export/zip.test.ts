import { createHash } from "node:crypto";
import { buffer } from "node:stream/consumers";
import { crc32 } from "node:zlib";
import { expect, test } from "vitest";
import yauzl from "yauzl";
import { ZIP } from "../../src/export/zip.ts";
import { directoryRecord, endRecords, localHeader } from "../../src/export/zip-records.ts";
import { toExportLine } from "../../src/report/export-line.ts";
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

test("images that go into a zip of more than 65,535 are found, and those behind 4 GiB", () => {
  const entry = { name: "x.png", crc: 0, bytes: 5, packedBytes: 5, packed: false, modified: new Date(0) };
  const far = directoryRecord(entry, 2 ** 33 + 5);
  expect(far.readUInt32LE(42)).toBe(0xffffffff);
  expect(far.readBigUInt64LE(46 + 5 + 4)).toBe(BigInt(2 ** 33 + 5));
  expect(directoryRecord(entry, 7).readUInt32LE(42)).toBe(7);
  const large = localHeader({ ...entry, bytes: 2 ** 33 });
  expect(large.readUInt32LE(22)).toBe(0xffffffff);
  expect(large.readBigUInt64LE(30 + 5 + 4)).toBe(BigInt(2 ** 33));
  expect(endRecords({ entries: 3, offset: 4, bytes: 5 })).toHaveLength(22);
  expect(endRecords({ entries: 3, offset: 2 ** 32, bytes: 5 })).toHaveLength(98);
});

test("a zip of more files than 16 bits can count is read by others", async () => {
  const bytes = Buffer.from("fox");
  const entry = { name: "", crc: crc32(bytes), bytes: 3, packedBytes: 3, packed: false, modified: new Date(0) };
  const data = Buffer.concat([localHeader({ ...entry, name: "00000.png" }), bytes]);
  const count = 65_540;
  // all of them lie at the same place
  const names = Array.from({ length: count }, (_, at) => `${String(at).padStart(5, "0")}.png`);
  const directory = Buffer.concat(names.map((name) => directoryRecord({ ...entry, name }, 0)));
  const end = endRecords({ entries: count, offset: data.length, bytes: directory.length });
  const zip = await yauzl.fromBufferPromise(Buffer.concat([data, directory, end]));
  expect(zip.entryCount).toBe(count);
  for await (const first of zip.eachEntry()) {
    expect(first.fileName).toBe("00000.png");
    expect(await buffer(await zip.openReadStreamPromise(first))).toEqual(bytes);
    break;
  }
});
