// JSON as somebody wrote it: the value, and what of the text the value does not say. The engine parses; a scan of the text finds
// the numbers it rounded and the names it dropped, and where the parts stand. Neither recurses. Pure.
import type { Fault } from "../errors.ts";
import { isExactNumber } from "./exact-number.ts";
import { inexactNumber, MAX_FAULTS } from "./json-safety.ts";

/** A parsed text. Where there are faults, the value is not what was written. */
export interface JsonText {
  value: unknown;
  faults: Fault[];
}

/** Parses a text, the value of the field at `within`. Throws the engine's SyntaxError for what is not JSON. */
export function parseJsonText(text: string, within: readonly string[] = []): JsonText {
  const value: unknown = JSON.parse(text);
  const faults: Fault[] = [];
  const pathOf = (levels: readonly Level[]) => [...within, ...levels.map(({ key }) => key)];
  const note = (path: readonly (string | number)[], message: string) => {
    if (faults.length < MAX_FAULTS) faults.push({ field: fieldOf(path), message });
  };
  scanJson(text, {
    onNumber: (levels, source) => {
      if (!isExactNumber(source)) note(pathOf(levels), inexactNumber(pathOf(levels), source));
    },
    onRepeatedName: (levels) => note(pathOf(levels), REPEATED),
  });
  return { value, faults };
}

/** What is said of a name that an object has twice. */
export const REPEATED = "wanted each name once, got it again: only the last value would be kept";

function fieldOf(path: readonly (string | number)[]): string {
  const field = path.join(".");
  return field === "" ? "(data)" : field.slice(0, 100).toWellFormed();
}

/** An array or an object that the scan is in. */
export interface Level {
  readonly isList: boolean;
  /** The name or the number of the part that is being read. */
  key: string | number;
  awaitsName: boolean;
  names: Set<string> | undefined;
}

/** What the scan reports. The levels are its own: they change as it goes on. */
export interface JsonVisitor {
  /** A part begins: an entry of an array, a member of an object with its name, or the whole. */
  onPart?(levels: readonly Level[], offset: number): void;
  /** The part that has begun is this number. */
  onNumber?(levels: readonly Level[], source: string): void;
  /** The object has a member of this name already. */
  onRepeatedName?(levels: readonly Level[]): void;
}

const NUMBER = /-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y;

/** Scans a text that is known to be JSON, from `from` to the end of the value that begins there. */
export function scanJson(text: string, visitor: JsonVisitor, from = 0): void {
  const levels: Level[] = [];
  for (let at = from; at < text.length; ) {
    const character = text[at] as string;
    if (character === '"') {
      at = readString(text, at, { levels, visitor });
    } else if (character === "{" || character === "[") {
      visitEntry(levels, at, visitor);
      levels.push({ isList: character === "[", key: 0, awaitsName: character === "{", names: undefined });
      at++;
    } else if (character === "}" || character === "]") {
      levels.pop();
      if (levels.length === 0) return;
      at++;
    } else if (character === ",") {
      nextPart(levels.at(-1));
      at++;
    } else {
      at = readScalar(text, at, { levels, visitor });
    }
  }
}

/** The numbers below `path` that read otherwise than their values, such as 1.10, by their paths, such as `style/0`. */
export function numberTexts(text: string, path: readonly (string | number)[], from = 0): Map<string, string> {
  const texts = new Map<string, string>();
  const onNumber = (levels: readonly Level[], source: string) => {
    if (String(Number(source)) === source) return;
    const keys = levels.map(({ key }) => String(key));
    if (path.every((step, depth) => keys[depth] === String(step))) texts.set(keys.slice(path.length).join("/"), source);
  };
  scanJson(text, { onNumber }, from);
  return texts;
}

interface Scan {
  levels: readonly Level[];
  visitor: JsonVisitor;
}

function nextPart(level: Level | undefined): void {
  if (level?.isList) level.key = (level.key as number) + 1;
  else if (level !== undefined) level.awaitsName = true;
}

function readString(text: string, at: number, { levels, visitor }: Scan): number {
  const end = endOfString(text, at);
  if (levels.at(-1)?.awaitsName) readName(text.slice(at, end), { at, levels, visitor });
  else visitEntry(levels, at, visitor);
  return end;
}

/** A number, a word, a colon or white space; returns where it ends. */
function readScalar(text: string, at: number, { levels, visitor }: Scan): number {
  const character = text[at] as string;
  if (character === "-" || (character >= "0" && character <= "9")) {
    NUMBER.lastIndex = at;
    const source = NUMBER.exec(text)?.[0] ?? character;
    visitEntry(levels, at, visitor);
    visitor.onNumber?.(levels, source);
    return at + source.length;
  }
  if (character < "a" || character > "z") return at + 1;
  visitEntry(levels, at, visitor);
  // true, false, null
  return at + (character === "f" ? 5 : 4);
}

// of an object the names are the beginnings of its parts
function visitEntry(levels: readonly Level[], at: number, { onPart }: JsonVisitor): void {
  const level = levels.at(-1);
  if (onPart !== undefined && (level === undefined || level.isList)) onPart(levels, at);
}

/** More names than fit into the largest metadata: an object that has them is refused anyway, and need not cost anybody time. */
const REMEMBERED_NAMES = 5_000;

function readName(source: string, { at, levels, visitor }: Scan & { at: number }): void {
  const level = levels.at(-1) as Level;
  const name = source.includes("\\") ? (JSON.parse(source) as string) : source.slice(1, -1);
  level.key = name;
  level.awaitsName = false;
  visitor.onPart?.(levels, at);
  if (visitor.onRepeatedName === undefined) return;
  level.names ??= new Set();
  if (level.names.has(name)) visitor.onRepeatedName(levels);
  else if (level.names.size < REMEMBERED_NAMES) level.names.add(name);
}

function endOfString(text: string, at: number): number {
  let end = text.indexOf('"', at + 1);
  while (isEscaped(text, end)) end = text.indexOf('"', end + 1);
  return end + 1;
}

function isEscaped(text: string, at: number): boolean {
  let slashes = 0;
  while (text[at - 1 - slashes] === "\\") slashes++;
  return slashes % 2 === 1;
}
