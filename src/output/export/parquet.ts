// Parquet: a column for each field, in row groups of bounded size, so that memory does not grow with the catalog.
// Times are timestamps in UTC here, also `api_created`; tags are a list; metadata, which may be anything, is JSON text.
import { ByteWriter, ParquetWriter } from "hyparquet-writer";
import type { ExportLine } from "../report/export-line.ts";
import type { FileFormat, Sink, Writing } from "./format.ts";

/** A row group ends with so many rows, or so many characters of text. */
const GROUP_ROWS = 10_000;
const GROUP_CHARACTERS = 8_000_000;

export const PARQUET: FileFormat = {
  name: "parquet",
  about: "columns with types, for pandas, DuckDB and their like",
  to: "file",
  text: false,
  wants: { images: false, thumbnails: false },
  open: openParquet,
};

type SchemaElement = ConstructorParameters<typeof ParquetWriter>[0]["schema"][number];

type Kind = "text" | "int32" | "int64" | "double" | "time" | "texts";

const COLUMNS: readonly { name: keyof ExportLine; kind: Kind; read?: (line: ExportLine) => unknown }[] = [
  { name: "request_id", kind: "text" },
  { name: "batch", kind: "text" },
  { name: "collection", kind: "text" },
  { name: "tags", kind: "texts" },
  { name: "metadata", kind: "text", read: ({ metadata }) => (metadata === null ? null : JSON.stringify(metadata)) },
  { name: "model", kind: "text" },
  { name: "prompt", kind: "text" },
  { name: "negative_prompt", kind: "text" },
  { name: "aspect_ratio", kind: "text" },
  { name: "n", kind: "int32" },
  { name: "seed", kind: "int64", read: ({ seed }) => (seed === null ? null : BigInt(seed)) },
  { name: "steps", kind: "int32" },
  { name: "guidance_scale", kind: "double" },
  { name: "recipe_id", kind: "text" },
  { name: "index", kind: "int32" },
  { name: "digest", kind: "text" },
  { name: "bytes", kind: "int64", read: ({ bytes }) => BigInt(bytes) },
  { name: "content_type", kind: "text" },
  { name: "width", kind: "int32" },
  { name: "height", kind: "int32" },
  { name: "key", kind: "text" },
  {
    name: "api_created",
    kind: "time",
    read: ({ api_created }) => (api_created === null ? null : new Date(api_created * 1_000)),
  },
  { name: "archived_at", kind: "time", read: ({ archived_at }) => new Date(archived_at) },
  { name: "calls", kind: "int32" },
];

function openParquet(sink: Sink): Writing {
  const bytes = new ByteWriter();
  const writer = new ParquetWriter({ writer: bytes, schema: toSchema(), createdBy: "asset-archiver" });
  let rows: ExportLine[] = [];
  let characters = 0;
  const flush = async () => {
    // taken out before waiting: the writer goes on at the start of its buffer, and its offset goes on counting
    const written = bytes.getBytes().slice();
    bytes.index = 0;
    await sink.write(written);
  };
  const endGroup = async () => {
    const group = rows;
    rows = [];
    characters = 0;
    if (group.length === 0) return;
    const columnData = COLUMNS.map(({ name, read }) => ({ name, data: group.map(read ?? ((line) => line[name])) }));
    writer.write({ columnData, rowGroupSize: GROUP_ROWS });
    await flush();
  };
  return {
    add: async ({ line }) => {
      rows.push(line);
      characters += textOf(line);
      if (rows.length >= GROUP_ROWS || characters >= GROUP_CHARACTERS) await endGroup();
    },
    close: async () => {
      await endGroup();
      writer.finish();
      await flush();
    },
  };
}

// what may be long; the rest of a row is a few hundred characters at most
function textOf({ prompt, negative_prompt, metadata }: ExportLine): number {
  return (
    (prompt?.length ?? 0) + (negative_prompt?.length ?? 0) + (metadata === null ? 0 : JSON.stringify(metadata).length)
  );
}

function toSchema(): SchemaElement[] {
  return [{ name: "root", num_children: COLUMNS.length }, ...COLUMNS.flatMap(({ name, kind }) => ELEMENTS[kind](name))];
}

// every column may hold nulls: a row without a recipe is an archived image all the same
const ELEMENTS: Record<Kind, (name: string) => SchemaElement[]> = {
  text: (name) => [{ name, ...TEXT, repetition_type: "OPTIONAL" }],
  int32: (name) => [{ name, type: "INT32", repetition_type: "OPTIONAL" }],
  int64: (name) => [{ name, type: "INT64", repetition_type: "OPTIONAL" }],
  double: (name) => [{ name, type: "DOUBLE", repetition_type: "OPTIONAL" }],
  time: (name) => [
    {
      name,
      type: "INT64",
      converted_type: "TIMESTAMP_MILLIS",
      logical_type: { type: "TIMESTAMP", isAdjustedToUTC: true, unit: "MILLIS" },
      repetition_type: "OPTIONAL",
    },
  ],
  texts: (name) => [
    { name, converted_type: "LIST", logical_type: { type: "LIST" }, repetition_type: "OPTIONAL", num_children: 1 },
    { name: "list", repetition_type: "REPEATED", num_children: 1 },
    { name: "element", ...TEXT, repetition_type: "OPTIONAL" },
  ],
};

const TEXT = { type: "BYTE_ARRAY", converted_type: "UTF8", logical_type: { type: "STRING" } } as const;
