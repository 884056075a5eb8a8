// A manifest that is one document (YAML or JSON): a list of items, or items with what they share. Pure.
import type { Fault } from "../../domain/errors.ts";
import { nearest } from "../../domain/request/nearest.ts";
import { checkField } from "./check.ts";
import type { Fields, Frame, ManifestFault, RawItem } from "./entry.ts";
import { contradictions, FIELD_NAMES, parseMatrix, unusedVariable } from "./expand.ts";
import { collectNames } from "./template.ts";

/** A parsed document, and where its parts stand. */
export interface ParsedDocument {
  value: unknown;
  /** The line on which the part at `path` begins, or the nearest part around it. */
  lineOf(path: readonly (string | number)[]): number;
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
  const frame = readFrame(members, { fault, defaults });
  const { items = [{}] } = members;
  if (!Array.isArray(items)) fault(["items"], [{ field: "items", message: "wanted a list" }]);
  else if (isRecord(value)) checkVariables(frame, items, fault);
  return { frame, items: faults.length > 0 || !Array.isArray(items) ? faults : listItems(items, document, ["items"]) };
}

type TellFault = (path: readonly string[], found: Fault[]) => void;

function readFrame(members: Fields, options: { fault: TellFault; defaults: Fields }): Frame {
  const { defaults = {}, matrix = {}, seeds } = members;
  const { fault } = options;
  if (!isRecord(defaults)) fault(["defaults"], [{ field: "defaults", message: "wanted an object of fields" }]);
  const given: Fields = { ...(isRecord(defaults) ? defaults : {}), ...(seeds === undefined ? {} : { seeds }) };
  for (const [name, value] of Object.entries(given)) {
    const path = name === "seeds" && seeds !== undefined ? ["seeds"] : ["defaults", name];
    if (!isTemplate(value)) fault(path, within(checkField(name, value), path.slice(0, -1)));
  }
  const { values, faults } = parseMatrix(matrix, "matrix");
  for (const one of faults) fault(one.field.split("."), [one]);
  for (const [name, list] of values) fault(["matrix", name], listFaults(name, list));
  fault(["seeds"], contradictions(seeds === undefined ? {} : { seeds }, values));
  return { defaults: { ...options.defaults, ...given }, matrix: values, templates: true };
}

/** What no item can mend: values of the matrix that their field does not take. */
function listFaults(name: string, list: readonly unknown[]): Fault[] {
  if (!FIELD_NAMES.has(name)) return [];
  return list.flatMap((value, index) =>
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
  for (const [index, fields] of list.entries()) {
    const line = document.lineOf([...path, index]);
    if (isRecord(fields)) yield { line, fields };
    // a text alone is a prompt alone
    else if (typeof fields === "string") yield { line, fields: { prompt: fields } };
    else yield { line, faults: [{ field: "(item)", message: "wanted an object of fields, or a prompt" }] };
  }
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
