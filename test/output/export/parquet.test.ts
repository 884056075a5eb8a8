import { parquetMetadata, parquetReadObjects } from "hyparquet";
import { expect, test } from "vitest";
import { PARQUET } from "../../../src/output/export/parquet.ts";
import { toExportLine } from "../../../src/output/report/export-line.ts";
import { exportFile, openArchive } from "./support.ts";

function toArrayBuffer(bytes: Buffer): ArrayBuffer {
  return Uint8Array.from(bytes).buffer;
}

test("rows come back with their types: numbers, times in UTC, lists, and nothing where nothing is", async () => {
  const archive = await openArchive();
  await archive.add("one", {
    prompt: "一只狐狸",
    tags: ["a", "雪"],
    metadata: { deep: [1] },
    seed: 2 ** 40,
    steps: 30,
  });
  await archive.add("two", { guidance_scale: 4.5 });
  const { bytes } = await exportFile(archive, PARQUET);
  const rows = await parquetReadObjects({ file: toArrayBuffer(bytes) });
  expect(rows).toHaveLength(2);
  expect(rows[0]).toMatchObject({
    request_id: "one",
    batch: null,
    prompt: "一只狐狸",
    tags: ["a", "雪"],
    metadata: '{"deep":[1]}',
    seed: 2n ** 40n,
    steps: 30,
    guidance_scale: 2.5,
    index: 0,
    api_created: new Date(1_750_000_000_000),
    calls: 1,
  });
  expect(rows[0]?.archived_at).toBeInstanceOf(Date);
  expect(rows[1]).toMatchObject({ request_id: "two", tags: [], metadata: "{}", guidance_scale: 4.5 });
});

test("of nothing there is a file with all columns and no rows", async () => {
  const { bytes } = await exportFile(await openArchive(), PARQUET);
  const metadata = parquetMetadata(toArrayBuffer(bytes));
  expect(metadata.num_rows).toBe(0n);
  expect(metadata.schema.filter(({ name }) => name === "prompt")).toHaveLength(1);
});

test("many rows lie in groups of bounded size and in order", async () => {
  const archive = await openArchive();
  const [asset] = await archive.add("one");
  const [source] = [...archive.catalog.listArchivedImages()];
  if (asset === undefined || source === undefined || PARQUET.to !== "file") throw new Error("Got no image");
  const chunks: Buffer[] = [];
  const writing = PARQUET.open({ write: async (chunk) => void chunks.push(Buffer.from(chunk)) });
  const line = toExportLine(source);
  const count = 25_000;
  for (let number = 1; number <= count; number++)
    await writing.add({ number, source, line: { ...line, seed: number }, file: undefined, thumbnail: undefined });
  await writing.close();
  const file = toArrayBuffer(Buffer.concat(chunks));
  expect(parquetMetadata(file).row_groups.map((group) => Number(group.num_rows))).toEqual([10_000, 10_000, 5_000]);
  const seeds = (await parquetReadObjects({ file, columns: ["seed"] })).map((row) => Number(row.seed));
  expect(seeds).toEqual(Array.from({ length: count }, (_, at) => at + 1));
});
