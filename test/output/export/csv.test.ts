import { parse } from "csv-parse/sync";
import fc from "fast-check";
import { expect, test } from "vitest";
import { CSV, toCsvRow } from "../../../src/output/export/csv.ts";
import { EXPORT_FIELDS } from "../../../src/output/report/export-line.ts";
import { exportFile, openArchive } from "./support.ts";

test("a header and a row for each image, with JSON where a cell is more than a text", async () => {
  const archive = await openArchive();
  await archive.add("one", { prompt: '一只"狐狸", =1+1\r\nnext', tags: ["a", "b,c"], metadata: { deep: ["x", null] } });
  await archive.add("two", {}, ["image/png", "image/webp"]);
  const { bytes } = await exportFile(archive, CSV);
  const rows = parse(bytes, { columns: true, record_delimiter: "\r\n" }) as Record<string, string>[];
  expect(Object.keys(rows[0] ?? {})).toEqual([...EXPORT_FIELDS]);
  expect(rows.map(({ request_id, index }) => [request_id, index])).toEqual([
    ["one", "0"],
    ["two", "0"],
    ["two", "1"],
  ]);
  expect(rows[0]).toMatchObject({ prompt: '一只"狐狸", =1+1\r\nnext', batch: "", api_created: "1750000000" });
  expect(JSON.parse(rows[0]?.tags ?? "")).toEqual(["a", "b,c"]);
  expect(JSON.parse(rows[0]?.metadata ?? "")).toEqual({ deep: ["x", null] });
});

test("of nothing there is the header", async () => {
  const { bytes, done } = await exportFile(await openArchive(), CSV);
  expect(bytes.toString()).toBe(`${EXPORT_FIELDS.join(",")}\r\n`);
  expect(done.images).toBe(0);
});

test("any text comes back as it was", () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: "binary" }), { minLength: 2, maxLength: 5 }), (texts) => {
      expect(parse(toCsvRow(texts), { record_delimiter: "\r\n" })).toEqual([texts]);
    }),
  );
});
