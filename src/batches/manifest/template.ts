// Texts with `{variable}` in them. `{{` and `}}` are braces that stand for themselves. Pure.
import type { Fault } from "../../domain/errors.ts";
import { MAX_DEPTH } from "../../domain/request/json-safety.ts";
import { nearest } from "../../domain/request/nearest.ts";

const MARK = /\{\{|\}\}|\{([A-Za-z_][A-Za-z0-9_]*)\}|\{/g;

/** What a variable may be called. */
export const VARIABLE_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** Adds the names that the texts of `value` hold to `names`; what is nested too deeply for a manifest is not looked at. */
export function collectNames(value: unknown, names: Set<string>, depth = 0): void {
  if (typeof value === "string") {
    if (!value.includes("{")) return;
    for (const [, name] of value.matchAll(MARK)) if (name !== undefined) names.add(name);
  } else if (typeof value === "object" && value !== null && depth <= MAX_DEPTH + ITEM_DEPTH) {
    for (const member of Object.values(value)) collectNames(member, names, depth + 1);
  }
}

/** A document's items are walked through from the list that holds them. */
const ITEM_DEPTH = 4;

export interface FillOptions {
  /** The field that the text belongs to. */
  field: string;
  variables: ReadonlyMap<string, string>;
  /** Every name that a text may hold: offered where it holds another. */
  known: readonly string[];
  faults: Fault[];
}

/** `value` with every variable in its texts replaced, however deep. What cannot be replaced is noted in `faults`. */
export function fillTexts(value: unknown, options: FillOptions): unknown {
  if (typeof value === "string") return fillText(value, options);
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((entry) => fillTexts(entry, options));
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, fillTexts(member, options)]));
}

function fillText(text: string, options: FillOptions): string {
  if (!text.includes("{") && !text.includes("}}")) return text;
  const { field, variables, known, faults } = options;
  return text.replace(MARK, (mark, name: string | undefined) => {
    if (mark === "{{" || mark === "}}") return mark.charAt(0);
    const value = name === undefined ? undefined : variables.get(name);
    if (value === undefined) faults.push({ field, message: unknownMark(name, known) });
    return value ?? mark;
  });
}

function unknownMark(name: string | undefined, known: readonly string[]): string {
  if (name === undefined) return 'wanted {variable}, or "{{" for a brace, got a single "{"';
  const meant = nearest(name, known);
  const hint = meant === undefined ? ', or "{{" for a brace' : `, did you mean {${meant}}?`;
  const wanted = known.length === 0 ? "a matrix that holds it" : `one of ${known.map((one) => `{${one}}`).join(", ")}`;
  return `unknown variable {${name}}, wanted ${wanted}${hint}`;
}
