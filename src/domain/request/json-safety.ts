// Finds values from outside that cannot be stored unchanged, before any other code walks through them: nested too deeply for
// a recursive walk, not JSON, or JSON of which a part would be changed or lost. Pure, and bounded in depth.
import type { Fault } from "../errors.ts";

/** Maximum levels of arrays and objects; legitimate metadata has far fewer. */
export const MAX_DEPTH = 64;

/** The maximum number of faults reported for one body. More would not help, and the answer could exceed the body. */
export const MAX_FAULTS = 50;

/**
 * Every value that cannot be stored unchanged, up to `limit`, each with its path.
 *
 * | value | fault |
 * |---|---|
 * | more than MAX_DEPTH levels | too deep; nothing below is checked |
 * | a text or a name with a lone surrogate | not Unicode |
 * | an integer beyond ±(2^53 - 1) | may have been rounded already |
 * | a member named `__proto__` | JavaScript takes it for something else |
 * | NaN, Infinity, undefined in a list or an object, a Date, a function, … | not JSON |
 */
export function findUnsafeValues(data: unknown, limit = MAX_FAULTS): Fault[] {
  const search: Search = { faults: [], limit };
  walk(data, { path: [], search });
  return search.faults;
}

interface Search {
  faults: Fault[];
  limit: number;
}

interface Position {
  path: readonly string[];
  search: Search;
}

export const TOO_DEEP = `wanted at most ${MAX_DEPTH} levels of arrays and objects`;
const NOT_UNICODE = "wanted valid Unicode, got a lone surrogate";
const RESERVED = 'wanted another name than "__proto__", which cannot be kept';

/** The message for a number at `path` that cannot be stored exactly; `got` is its source text, if known. */
export function inexactNumber(path: readonly (string | number)[], got?: string): string {
  const shown = got === undefined ? "a larger one" : got.length > 40 ? `${got.slice(0, 40)}…` : got;
  const hint = path[0] === "metadata" ? "; larger ones as text, in quotes" : "";
  return `wanted a number that can be kept exactly (whole numbers up to ${Number.MAX_SAFE_INTEGER}${hint}), got ${shown}`;
}

// recursion is safe: it stops at MAX_DEPTH
function walk(value: unknown, at: Position): void {
  if (typeof value !== "object" || value === null) checkScalar(value, at);
  // the root does not count as a level
  else if (at.path.length > MAX_DEPTH) addFault(at, TOO_DEEP);
  else if (Array.isArray(value)) walkEntries(value, at);
  else if (isPlain(value)) walkFields(value as Record<string, unknown>, at);
  else addFault(at, `wanted JSON, got ${nameOf(value)}`);
}

function walkEntries(entries: readonly unknown[], { path, search }: Position): void {
  for (let index = 0; index < entries.length && search.faults.length < search.limit; index++) {
    const value = entries[index];
    if (!isSafeScalar(value)) walk(value, { path: [...path, String(index)], search });
  }
}

function walkFields(fields: Readonly<Record<string, unknown>>, at: Position): void {
  const { path, search } = at;
  for (const key of Object.keys(fields)) {
    if (search.faults.length >= search.limit) return;
    if (!key.isWellFormed()) addFault(at, NOT_UNICODE);
    else if (key === "__proto__") addFault({ path: [...path, key], search }, RESERVED);
    else if (!isSafeScalar(fields[key])) walk(fields[key], { path: [...path, key], search });
  }
}

// almost all values are: for these no path is put together
function isSafeScalar(value: unknown): boolean {
  if (typeof value === "string") return value.isWellFormed();
  if (typeof value === "number")
    return Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value));
  return typeof value === "boolean" || value === null;
}

function checkScalar(value: unknown, at: Position): void {
  const message = faultOf(value, at.path);
  if (message !== undefined) addFault(at, message);
}

function faultOf(value: unknown, path: readonly string[]): string | undefined {
  switch (typeof value) {
    case "string":
      return value.isWellFormed() ? undefined : NOT_UNICODE;
    case "number":
      if (!Number.isFinite(value)) return `wanted a number, got ${value}`;
      return Number.isInteger(value) && !Number.isSafeInteger(value) ? inexactNumber(path) : undefined;
    case "bigint":
      return inexactNumber(path, String(value));
    case "boolean":
    case "object":
      return undefined;
    case "undefined":
      // an absent field
      return path.length <= 1 ? undefined : "wanted JSON, got undefined";
    default:
      return `wanted JSON, got a ${typeof value}`;
  }
}

const FIELD_MAX_LENGTH = 100;

function addFault({ path, search }: Position, message: string): void {
  if (search.faults.length >= search.limit) return;
  // for too deep nesting, name the top field only
  const shown = message === TOO_DEEP ? path.slice(0, 1) : path;
  const field = shown.length === 0 ? "(data)" : shown.join(".").slice(0, FIELD_MAX_LENGTH).toWellFormed();
  const isKnown = search.faults.some((fault) => fault.field === field && fault.message === message);
  if (!isKnown) search.faults.push({ field, message });
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  // objects of another realm have another Object.prototype
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function nameOf(value: object): string {
  const name = (value.constructor as { name?: unknown } | undefined)?.name;
  return typeof name === "string" && name !== "" ? `a ${name}` : "an object of a class";
}

/** Whether a value has more than `maxDepth` levels. Without recursion; stops at the first level beyond. */
export function isTooDeep(value: unknown, maxDepth = MAX_DEPTH): boolean {
  const pending: { value: unknown; depth: number }[] = [{ value, depth: 0 }];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    if (typeof next.value !== "object" || next.value === null) continue;
    if (next.depth >= maxDepth) return true;
    for (const member of Object.values(next.value))
      if (typeof member === "object" && member !== null) pending.push({ value: member, depth: next.depth + 1 });
  }
  return false;
}

/** Whether a lenient parser may have altered the value: it contains U+FFFD, or an integer too large to be exact. */
export function mayBeAltered(value: unknown): boolean {
  const pending: unknown[] = [value];
  while (pending.length > 0) {
    const next = pending.pop();
    if (typeof next === "string" && next.includes("\ufffd")) return true;
    if (typeof next === "number" && Number.isInteger(next) && !Number.isSafeInteger(next)) return true;
    if (typeof next !== "object" || next === null) continue;
    for (const [key, member] of Object.entries(next)) {
      if (key.includes("\ufffd")) return true;
      pending.push(member);
    }
  }
  return false;
}
