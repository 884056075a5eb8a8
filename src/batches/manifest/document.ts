// A manifest that is one document (YAML or JSON): a list of items, or items with what they share. Pure.
import type { Fault } from "../../domain/errors.ts";
import { findUnsafeValues } from "../../domain/request/json-safety.ts";
import { nearest } from "../../domain/request/nearest.ts";
import { checkField } from "./check.ts";
import type { Fields, Frame, ManifestFault, MatrixValue, RawItem } from "./entry.ts";
import { contradictions, FIELD_NAMES, parseMatrix, unusedVariable } from "./expand.ts";
import { collectNames } from "./template.ts";

/** A parsed document, and where its parts stand. */
export interface ParsedDocument {
  value: unknown;
  /** What the text has that the value does not say. */
  faults: readonly PathFault[];
  /** The line on which the part at `path` begins, or the nearest part around it. */
  lineOf(path: readonly PathStep[]): number;
  /** Numbers and words below `path` that read otherwise than their values, by their paths from there. */
  textsOf(path: readonly PathStep[]): ReadonlyMap<string, string>;
}

/** A name, or the number of an entry. */
export type PathStep = string | number;

/** A fault of the part at `path`. */
export interface PathFault {
  path: readonly PathStep[];
  message: string;
}

interface DocumentItems {
  frame: Frame;
  items: Iterable<RawItem | ManifestFault>;
}

const MEMBERS = ["defaults", "matrix", "seeds", "items"];

/**
 * The items of a document and their frame. Where what they share is wrong, the faults of that come and no items: each
 * would only repeat them. `defaults` stand behind the document's own.
 */
export function readDocument(document: ParsedDocument, defaults: Fields): DocumentItems {
  const { value, lineOf } = document;
  if (Array.isArray(value)) {
    // a bare list is JSON Lines in another form: its texts are taken letter by letter
    return { frame: { defaults, matrix: new Map(), templates: false }, items: listItems(value, document, []) };
  }
  const faults: ManifestFault[] = [];
  const fault = (path: readonly string[], found: Fault[]) => {
    if (found.length > 0) faults.push({ line: lineOf(path), faults: found });
  };
  const members = isRecord(value) ? value : {};
  if (!isRecord(value))
    fault([], [{ field: "(document)", message: "wanted a list of items, or an object with items" }]);
  for (const name of Object.keys(members)) if (!MEMBERS.includes(name)) fault([name], [unknownMember(name)]);
  const { items = [{}], ...shared } = members;
  const unsafe = unsafeParts(shared, document.faults);
  for (const { path, message } of unsafe)
    faults.push({ line: lineOf(path), faults: [{ field: path.join("."), message }] });
  // what cannot be kept is not walked through
  const frame = readFrame(unsafe.length > 0 ? {} : members, {
    fault,
    defaults,
    texts: () => document.textsOf(["matrix"]),
  });
  if (!Array.isArray(items)) fault(["items"], [{ field: "items", message: "wanted a list" }]);
  else if (isRecord(value)) checkVariables(frame, items, fault);
  return { frame, items: faults.length > 0 || !Array.isArray(items) ? faults : listItems(items, document, ["items"]) };
}

/** What cannot be kept of what the items share; where the text says more about a value, its words count. */
function unsafeParts(shared: Fields, textFaults: readonly PathFault[]): PathFault[] {
  const fromText = textFaults.filter(({ path }) => path[0] !== "items");
  const named = new Set(fromText.map(({ path }) => path.join(".")));
  const others = findUnsafeValues(shared).filter(({ field }) => !named.has(field));
  return [...fromText, ...others.map(({ field, message }) => ({ path: field.split("."), message }))];
}

type TellFault = (path: readonly string[], found: Fault[]) => void;

function readFrame(
  members: Fields,
  options: { fault: TellFault; defaults: Fields; texts: () => ReadonlyMap<string, string> },
): Frame {
  const { defaults = {}, matrix = {}, seeds } = members;
  const { fault } = options;
  if (!isRecord(defaults)) fault(["defaults"], [{ field: "defaults", message: "wanted an object of fields" }]);
  const given: Fields = { ...(isRecord(defaults) ? defaults : {}), ...(seeds === undefined ? {} : { seeds }) };
  for (const [name, value] of Object.entries(given)) {
    const path = name === "seeds" && seeds !== undefined ? ["seeds"] : ["defaults", name];
    if (!isTemplate(value)) fault(path, within(checkField(name, value), path.slice(0, -1)));
  }
  const { values, faults } = parseMatrix(matrix, { field: "matrix", texts: options.texts });
  for (const one of faults) fault(one.field.split("."), [one]);
  for (const [name, list] of values) fault(["matrix", name], listFaults(name, list));
  fault(["seeds"], contradictions(seeds === undefined ? {} : { seeds }, values));
  return { defaults: { ...options.defaults, ...given }, matrix: values, templates: true };
}

/** What no item can mend: values of the matrix that their field does not take. */
function listFaults(name: string, list: readonly MatrixValue[]): Fault[] {
  if (!FIELD_NAMES.has(name)) return [];
  return list.flatMap(({ value }, index) =>
    isTemplate(value)
      ? []
      : checkField(name, value).map(({ message }) => ({ field: `matrix.${name}.${index}`, message })),
  );
}

/** Told of a variable that no text names: a misspelt field would multiply nothing and go unnoticed. */
function checkVariables(frame: Frame, items: readonly unknown[], fault: TellFault): void {
  const named = new Set<string>();
  collectNames([frame.defaults, items, Object.fromEntries(frame.matrix)], named);
  for (const name of frame.matrix.keys()) {
    if (FIELD_NAMES.has(name) || named.has(name)) continue;
    const meant = nearest(name, [...FIELD_NAMES]);
    const { field, message } = unusedVariable(name);
    fault(["matrix", name], [{ field, message: meant === undefined ? message : `${message}, did you mean ${meant}?` }]);
  }
}

function* listItems(
  list: readonly unknown[],
  document: ParsedDocument,
  path: readonly string[],
): Generator<RawItem | ManifestFault> {
  const faultsOf = groupByItem(document.faults, path.length);
  for (const [index, fields] of list.entries()) {
    const line = document.lineOf([...path, index]);
    const textFaults = faultsOf.get(index) ?? [];
    const part = (within: readonly string[]) => [...path, index, ...within];
    const places = {
      lineOf: (at: readonly string[]) => document.lineOf(part(at)),
      textsOf: (at: readonly string[]) => document.textsOf(part(at)),
    };
    if (isRecord(fields)) yield { line, fields, textFaults, ...places };
    // a text alone is a prompt alone
    else if (typeof fields === "string") yield { line, fields: { prompt: fields } };
    else yield { line, faults: [{ field: "(item)", message: "wanted an object of fields, or a prompt" }] };
  }
}

/** Faults of items by the item's number, with their fields' names. `depth` steps lead to the list. */
function groupByItem(faults: readonly PathFault[], depth: number): Map<number, Fault[]> {
  const found = faults.filter(({ path }) => path.length > depth && (depth === 0 || path[0] === "items"));
  const groups = Map.groupBy(found, ({ path }) => Number(path[depth]));
  const toFault = ({ path, message }: PathFault) => ({ field: path.slice(depth + 1).join(".") || "(item)", message });
  return new Map([...groups].map(([index, group]) => [index, group.map(toFault)]));
}

function unknownMember(name: string): Fault {
  const meant = nearest(name, MEMBERS);
  const hint = meant === undefined ? `, wanted ${MEMBERS.join(", ")}` : `, did you mean ${meant}?`;
  return { field: name.slice(0, 100), message: `unknown member${hint}` };
}

function within(faults: readonly Fault[], path: readonly string[]): Fault[] {
  return faults.map(({ field, message }) => ({ field: [...path, field].join("."), message }));
}

function isTemplate(value: unknown): boolean {
  const names = new Set<string>();
  collectNames(value, names);
  return names.size > 0;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
