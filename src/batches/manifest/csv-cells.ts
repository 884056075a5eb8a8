// The cells of a CSV row to the fields of a request: each cell is read as its field wants it, an empty one is not given.
// What does not fit stays text, so that the fault shows what was typed. Pure.
import type { Fault } from "../../domain/errors.ts";
import { isExactNumber } from "../../domain/request/exact-number.ts";
import { parseJsonText } from "../../domain/request/json-text.ts";
import { nearest } from "../../domain/request/nearest.ts";
import { FIELD_NAMES } from "./expand.ts";

/** Reads a cell as its field; what the author must know is noted. */
type ReadCell = (cell: string, note: Note) => unknown;
type Note = (message: string, field?: string) => void;

const DECIMAL = /^[-+]?\d+(?:\.\d+)?$/;

// a number that cannot be kept stays text, so that the fault shows what was typed
const toNumber: ReadCell = (cell, note) => {
  const typed = cell.trim();
  if (DECIMAL.test(typed) && isExactNumber(typed)) return Number(typed);
  // 1.23457E+12 is what a spreadsheet shows of 1234567890123: the digits that are missing are gone
  if (/^[-+]?\d+(?:[.,]\d+)?e[-+]?\d+$/i.test(typed))
    note(
      `wanted all digits, got ${typed}: a spreadsheet shortened it; format the column as text or as a number without places`,
    );
  return cell;
};

// 2,5 is how spreadsheets write 2.5 in half of the world
const toFraction: ReadCell = (cell, note) => toNumber(cell.trim().replace(/^(\d{1,2}),(\d+)$/, "$1.$2"), note);

const BOOLEANS = new Map([
  ["true", true],
  ["yes", true],
  ["1", true],
  ["false", false],
  ["no", false],
  ["0", false],
]);
const toBoolean: ReadCell = (cell) => BOOLEANS.get(cell.trim().toLowerCase()) ?? cell;

// 16:9 is a time to a spreadsheet, which writes it as 16:09 or 16:09:00
const toAspectRatio: ReadCell = (cell) => {
  const [, width, height] = /^0?(\d{1,2}):0?(\d{1,2})(?::00)?$/.exec(cell.trim()) ?? [];
  return width === undefined || height === undefined ? cell.trim() : `${width}:${height}`;
};

// ["a","b"], or a|b, or a;b
const toTags: ReadCell = (cell, note) => {
  if (cell.trim().startsWith("[")) return toJson("tags", 'wanted a list such as ["red","fox"], or red|fox')(cell, note);
  const tags = cell.split(/[|;]/).map((tag) => tag.trim());
  return tags.filter((tag) => tag !== "");
};

function toJson(field: string, wanted: string): ReadCell {
  return (cell, note) => {
    try {
      const { value, faults } = parseJsonText(cell, [field]);
      for (const fault of faults) note(fault.message, fault.field);
      return value;
    } catch {
      note(wanted);
      return undefined;
    }
  };
}

const READERS: ReadonlyMap<string, ReadCell> = new Map([
  ["n", toNumber],
  ["seed", toNumber],
  ["seeds", toNumber],
  ["steps", toNumber],
  ["guidance_scale", toFraction],
  ["aspect_ratio", toAspectRatio],
  ["reuse", toBoolean],
  ["tags", toTags],
  ["metadata", toJson("metadata", "wanted JSON")],
]);

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
  return { field: name, read: READERS.get(name) ?? (TEXTS.has(name) ? asItStands : trimmed) };
}

function headerFault(name: string, isRepeat: boolean): Fault[] {
  if (name === "") return [];
  if (name === `${METADATA}__proto__`)
    return [{ field: name, message: "wanted another name, this one cannot be kept" }];
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
  const members = new Map<string, string>();
  const faults: Fault[] = [];
  for (const [index, column] of columns.entries()) {
    const cell = row[index] ?? "";
    if (cell === "") continue;
    if (column.field === "") faults.push(rowFault(`wanted a name for column ${index + 1}, which has "${cell}"`));
    else if ("member" in column && column.member !== undefined) members.set(column.member, cell);
    else fields[column.field] = column.read(cell, (message, field = column.field) => faults.push({ field, message }));
  }
  faults.push(...addMembers(fields, members));
  return faults.length > 0 ? faults : fields;
}

function addMembers(fields: Record<string, unknown>, members: ReadonlyMap<string, string>): Fault[] {
  if (members.size === 0) return [];
  const { metadata = {} } = fields;
  if (typeof metadata !== "object" || metadata === null || Array.isArray(metadata)) {
    return [{ field: "metadata", message: "wanted a JSON object beside columns metadata.…" }];
  }
  const twice = [...members.keys()].filter((name) => Object.hasOwn(metadata, name));
  fields.metadata = { ...metadata, ...Object.fromEntries(members) };
  return twice.map((name) => ({
    field: `metadata.${name}`,
    message: "wanted it once, got it in the column metadata, too",
  }));
}

function rowFault(message: string): Fault {
  return { field: "(row)", message };
}
