// One item of a manifest to the requests it stands for: defaults put in, the matrix multiplied, templates filled in.
// Pure and deterministic: the last member of a matrix turns fastest, an item's own matrix after the document's.
import type { Fault } from "../../domain/errors.ts";
import { submissionSchema } from "../../domain/request/submission.ts";
import { type Fields, type Frame, type MatrixValue, NO_FRAME, type RawItem } from "./entry.ts";
import { collectNames, type FillOptions, fillTexts, VARIABLE_NAME } from "./template.ts";

/** The names a request's fields have, and `seeds`. */
export const FIELD_NAMES: ReadonlySet<string> = new Set([...Object.keys(submissionSchema.shape), "seeds"]);

/** So many requests may come of one item. */
export const EXPANSION_LIMIT = 1_000_000;

/** A request's fields, not checked yet; or what keeps the item from being one. */
export type Expanded = { fields: Fields } | { faults: Fault[] };

/**
 * The requests of one item. What is said nearer to the item counts: the item's own fields and matrix, then the document's
 * matrix, then its defaults. `seed` and `seeds` push each other out that way. A variable of the document's matrix
 * multiplies only the items whose texts name it.
 */
export function* expandItem(item: RawItem, frame: Frame): Generator<Expanded> {
  if (!("matrix" in item.fields) && !frame.templates) {
    yield plainItem(item.fields, frame);
    return;
  }
  const { matrix, ...own } = item.fields;
  const { values, faults } = parseMatrix(matrix ?? {}, {
    field: "matrix",
    texts: () => item.textsOf?.(["matrix"]) ?? NO_TEXTS,
  });
  faults.push(...contradictions(own, values));
  if (faults.length > 0) yield { faults };
  else yield* multiply(own, { frame, own: values, texts: () => item.textsOf?.([]) ?? NO_TEXTS });
}

function plainItem(own: Fields, frame: Frame): Expanded {
  const faults = contradictions(own, NO_FRAME.matrix);
  return faults.length > 0 ? { faults } : { fields: { ...withoutRival(frame.defaults, own), ...own } };
}

const NO_TEXTS: ReadonlyMap<string, string> = new Map();

/** How the values below a part were written, where that is not how JavaScript writes them. */
type Texts = () => ReadonlyMap<string, string>;

/** The members of a matrix: each a list of at least one value. */
export function parseMatrix(
  matrix: unknown,
  { field, texts }: { field: string; texts: Texts },
): { values: Map<string, readonly MatrixValue[]>; faults: Fault[] } {
  const values = new Map<string, readonly MatrixValue[]>();
  if (typeof matrix !== "object" || matrix === null || Array.isArray(matrix)) {
    return { values, faults: [{ field, message: "wanted names with lists of values" }] };
  }
  const faults: Fault[] = [];
  const written = texts();
  for (const [name, list] of Object.entries(matrix)) {
    const message = memberFault(name, list);
    const toValue = (value: unknown, index: number) => ({
      value,
      text: textOf(value, written.get(`${name}/${index}`)),
    });
    if (message === undefined) values.set(name, (list as unknown[]).map(toValue));
    else faults.push({ field: `${field}.${name.slice(0, 100)}`, message });
  }
  return { values, faults };
}

/** A value as a text that names it shows it: as it was written, so that 1.10 does not become 1.1. */
function textOf(value: unknown, written: string | undefined): string | undefined {
  return typeof value === "object" ? undefined : (written ?? String(value));
}

function memberFault(name: string, list: unknown): string | undefined {
  if (!VARIABLE_NAME.test(name)) return "wanted a name of letters, digits and _";
  if (!Array.isArray(list) || list.length === 0) return "wanted a list of at least one value";
  if (FIELD_NAMES.has(name)) return undefined;
  const isScalar = (value: unknown) => ["string", "number", "boolean"].includes(typeof value);
  return list.every(isScalar) ? undefined : "wanted texts or numbers, since no field of a request has this name";
}

/** What one place says twice. */
export function contradictions(fields: Fields, matrix: ReadonlyMap<string, unknown>): Fault[] {
  const twice = [...matrix.keys()].filter((name) => name in fields);
  const faults = twice.map((name) => ({
    field: name,
    message: "wanted it either by itself or in the matrix, not both",
  }));
  const says = (name: string) => name in fields || matrix.has(name);
  if (says("seed") && says("seeds")) faults.push({ field: "seeds", message: "wanted either seed or seeds, not both" });
  return faults;
}

/** Fields from further away, without the one of `seed` and `seeds` that `nearer` pushes out. */
function withoutRival(fields: Fields, nearer: Fields): Fields {
  const rival = "seed" in nearer ? "seeds" : "seeds" in nearer ? "seed" : undefined;
  if (rival === undefined || !(rival in fields)) return fields;
  const { [rival]: _, ...rest } = fields;
  return rest;
}

type Axis = readonly [name: string, values: readonly MatrixValue[]];

function* multiply(
  own: Fields,
  options: { frame: Frame; own: ReadonlyMap<string, readonly MatrixValue[]>; texts: Texts },
): Generator<Expanded> {
  const { frame } = options;
  const ownKeys = { ...own, ...Object.fromEntries(options.own) };
  const shared = withoutRival(Object.fromEntries(frame.matrix), ownKeys);
  const outer = [...frame.matrix].filter(([name]) => name in shared && !(name in ownKeys));
  const base = { ...withoutRival(withoutRival(frame.defaults, shared), ownKeys), ...own };
  const named = namesIn(base, [...outer, ...options.own]);
  const axes = [...outer.filter(([name]) => FIELD_NAMES.has(name) || named.has(name)), ...options.own];
  const faults = axisFaults(axes, named);
  if (faults.length > 0) yield { faults };
  else
    yield* turn(base, { axes, known: [...frame.matrix.keys(), ...options.own.keys()], fixed: fixedIn(own, options) });
}

/** Members of the document's matrix for which the item has a value of its own: its texts may name them all the same. */
function fixedIn(own: Fields, { frame, texts }: { frame: Frame; texts: Texts }): Map<string, string> {
  const names = [...frame.matrix.keys()].filter((name) => name in own && typeof own[name] !== "object");
  if (names.length === 0) return new Map();
  const written = texts();
  return new Map(names.map((name) => [name, textOf(own[name], written.get(name)) ?? ""]));
}

function namesIn(base: Fields, axes: readonly Axis[]): Set<string> {
  const names = new Set<string>();
  collectNames(base, names);
  for (const [name, values] of axes) if (FIELD_NAMES.has(name)) collectNames(values, names);
  return names;
}

function axisFaults(axes: readonly Axis[], named: ReadonlySet<string>): Fault[] {
  const unused = axes.filter(([name]) => !FIELD_NAMES.has(name) && !named.has(name));
  const faults = unused.map(([name]) => unusedVariable(name));
  const count = axes.reduce((product, [, values]) => product * values.length, 1);
  if (count > EXPANSION_LIMIT) {
    faults.push({ field: "matrix", message: `wanted at most ${EXPANSION_LIMIT} requests of one item, got ${count}` });
  }
  return faults;
}

/** The fault of a variable that would only make the same request again and again. */
export function unusedVariable(name: string, field = `matrix.${name}`): Fault {
  return { field, message: `no field of a request, and no text names {${name}}` };
}

function* turn(
  base: Fields,
  options: { axes: readonly Axis[]; known: readonly string[]; fixed: ReadonlyMap<string, string> },
): Generator<Expanded> {
  const { axes, known, fixed } = options;
  const count = axes.reduce((product, [, values]) => product * values.length, 1);
  for (let number = 0; number < count; number++) {
    const fields: Record<string, unknown> = { ...base };
    const variables = new Map(fixed);
    let rest = number;
    for (const [name, values] of axes.toReversed()) {
      const { value, text } = values[rest % values.length] as MatrixValue;
      rest = Math.floor(rest / values.length);
      if (FIELD_NAMES.has(name)) fields[name] = value;
      if (text !== undefined) variables.set(name, text);
    }
    yield filled(fields, { variables, known });
  }
}

function filled(fields: Fields, options: Pick<FillOptions, "variables" | "known">): Expanded {
  const faults: Fault[] = [];
  const entries = Object.entries(fields).map(([field, value]) => [
    field,
    fillTexts(value, { ...options, field, faults }),
  ]);
  return faults.length > 0 ? { faults } : { fields: Object.fromEntries(entries) };
}
