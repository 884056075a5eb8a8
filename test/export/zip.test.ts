import { createHash } from "node:crypto";
import { buffer } from "node:stream/consumers";
import { crc32 } from "node:zlib";
import { expect, test } from "vitest";
import yauzl from "yauzl";
import { ZIP } from "../../src/export/zip.ts";
import { directoryRecord, endRecords, localHeader } from "../../src/export/zip-records.ts";
import { toExportLine } from "../../src/report/export-line.ts";
import { exportFile, jsonLines, openArchive } from "./support.ts";

/** The files whose names fit; of the others the names alone. */
async function unzip(bytes: Buffer, wanted = /./): Promise<Map<string, Buffer | undefined>> {
  const zip = await yauzl.fromBufferPromise(bytes);
  const files = new Map<string, Buffer | undefined>();
  for await (const entry of zip.eachEntry()) {
    const content = wanted.test(entry.fileName) ? await buffer(await zip.openReadStreamPromise(entry)) : undefined;
    // the reader looks at sizes and not at sums
    if (content !== undefined) expect(crc32(content)).toBe(entry.crc32);
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

test("70,000 images in one zip come back, each under its name", async () => {
  const archive = await openArchive();
  await archive.add("one");
  const [source] = [...archive.catalog.listArchivedImages()];
  if (source === undefined || ZIP.to !== "file") throw new Error("Got no image");
  const chunks: Buffer[] = [];
  const writing = ZIP.open({ write: async (chunk) => void chunks.push(Buffer.from(chunk)) });
  const line = toExportLine(source);
  const count = 70_000;
  for (let number = 1; number <= count; number++) {
    const file = { name: `${number}.png`, bytes: Buffer.from(String(number)), digest: line.digest };
    await writing.add({ number, source, line, file, thumbnail: undefined });
  }
  await writing.close();
  await writing.release?.();
  const files = await unzip(Buffer.concat(chunks), /69999|metadata/);
  expect(files.size).toBe(count + 2);
  expect(files.get("images/69999.png")?.toString()).toBe("69999");
  expect(jsonLines(files.get("metadata.jsonl") ?? "")).toHaveLength(count);
});
