// The cells of a CSV row to the fields of a request: each cell is read as its field wants it, an empty one is not given.
// What does not fit stays text, so that the fault shows what was typed. Pure.
import type { Fault } from "../../domain/errors.ts";
import { nearest } from "../../domain/request/nearest.ts";
import { FIELD_NAMES } from "./expand.ts";

type ReadCell = (cell: string) => unknown;

const toNumber: ReadCell = (cell) => (cell.trim() !== "" && Number.isFinite(Number(cell)) ? Number(cell) : cell);

const BOOLEANS: Record<string, boolean> = { true: true, yes: true, "1": true, false: false, no: false, "0": false };
const toBoolean: ReadCell = (cell) => BOOLEANS[cell.trim().toLowerCase()] ?? cell;

// ["a","b"], or a|b, or a;b
const toTags: ReadCell = (cell) => {
  if (cell.trim().startsWith("[")) return toJson(cell);
  const tags = cell.split(/[|;]/).map((tag) => tag.trim());
  return tags.filter((tag) => tag !== "");
};

const toJson: ReadCell = (cell) => {
  try {
    return JSON.parse(cell);
  } catch {
    return undefined;
  }
};

const READERS: Readonly<Record<string, ReadCell>> = {
  n: toNumber,
  seed: toNumber,
  seeds: toNumber,
  steps: toNumber,
  guidance_scale: toNumber,
  reuse: toBoolean,
  tags: toTags,
  metadata: toJson,
};

const asItStands: ReadCell = (cell) => cell;
const trimmed: ReadCell = (cell) => cell.trim();
const TEXTS = new Set(["prompt", "negative_prompt"]);

/** What a column means: a field, a member of the metadata, or nothing. */
export type Column = { field: string; read: ReadCell; member?: string } | { field: ""; read: ReadCell };

const METADATA = "metadata.";

/** The columns of a header row, and what is wrong with it. */
export function toColumns(header: readonly string[]): { columns: Column[]; faults: Fault[] } {
  const names = header.map((cell) => cell.trim());
  const faults = names.flatMap((name, index) => headerFault(name, names.indexOf(name) < index));
  if (!names.includes("prompt")) faults.push({ field: "(header)", message: `wanted a column "prompt"` });
  return { columns: names.map(toColumn), faults };
}

function toColumn(name: string): Column {
  if (name.startsWith(METADATA)) return { field: "metadata", member: name.slice(METADATA.length), read: asItStands };
  return { field: name, read: READERS[name] ?? (TEXTS.has(name) ? asItStands : trimmed) };
}

function headerFault(name: string, isRepeat: boolean): Fault[] {
  if (name === "") return [];
  if (isRepeat) return [{ field: name, message: "wanted each column once, got it twice" }];
  if (FIELD_NAMES.has(name) || (name.startsWith(METADATA) && name.length > METADATA.length)) return [];
  const meant = nearest(name, [...FIELD_NAMES]);
  const hint = meant === undefined ? `; for a note of your own: metadata.${name}` : `, did you mean ${meant}?`;
  return [{ field: name.slice(0, 100), message: `unknown column${hint}` }];
}

/** The fields of one row, or what is wrong with it. */
export function toFields(row: readonly string[], columns: readonly Column[]): Record<string, unknown> | Fault[] {
  if (row.length !== columns.length && row.slice(columns.length).some((cell) => cell !== "")) {
    return [rowFault(`wanted ${columns.length} cells, got ${row.length}; a cell with a comma in it needs quotes`)];
  }
  const fields: Record<string, unknown> = {};
  const members: Record<string, string> = {};
  const faults: Fault[] = [];
  for (const [index, column] of columns.entries()) {
    const cell = row[index] ?? "";
    if (cell === "") continue;
    if (column.field === "") faults.push(rowFault(`wanted a name for column ${index + 1}, which has "${cell}"`));
    else if ("member" in column && column.member !== undefined) members[column.member] = cell;
    else fields[column.field] = column.read(cell);
  }
  faults.push(...addMembers(fields, members));
  return faults.length > 0 ? faults : fields;
}

function addMembers(fields: Record<string, unknown>, members: Record<string, string>): Fault[] {
  if ("metadata" in fields && fields.metadata === undefined) return [{ field: "metadata", message: "wanted JSON" }];
  if ("tags" in fields && fields.tags === undefined) {
    return [{ field: "tags", message: 'wanted a list such as ["red","fox"], or red|fox' }];
  }
  if (Object.keys(members).length === 0) return [];
  const { metadata = {} } = fields;
  if (typeof metadata !== "object" || metadata === null || Array.isArray(metadata)) {
    return [{ field: "metadata", message: "wanted a JSON object beside columns metadata.…" }];
  }
  fields.metadata = { ...metadata, ...members };
  return [];
}

function rowFault(message: string): Fault {
  return { field: "(row)", message };
}
