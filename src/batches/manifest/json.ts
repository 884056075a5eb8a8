// JSON to a document that knows its lines: parsed by the engine, and scanned once for where the items begin and what the
// value does not say. Where a part within an item stands is looked for when somebody asks.
import { ConfigError, toMessage } from "../../domain/errors.ts";
import { isExactNumber } from "../../domain/request/exact-number.ts";
import { inexactNumber, MAX_FAULTS } from "../../domain/request/json-safety.ts";
import { type Level, numberTexts, REPEATED, scanJson } from "../../domain/request/json-text.ts";
import type { ParsedDocument, PathFault, PathStep } from "./document.ts";
import { wholeText } from "./text.ts";

/** Held as a whole, and as values. In characters. */
export const JSON_MAX_LENGTH = 64 * 1024 ** 2;

/** Reads and parses a JSON document. Throws ConfigError `manifest_broken` for what is none. */
export async function parseJson(pieces: AsyncIterable<string>, name: string): Promise<ParsedDocument> {
  const text = await wholeText(pieces, { name, maxLength: JSON_MAX_LENGTH });
  try {
    const value: unknown = JSON.parse(text);
    const { begins, faults } = scan(text);
    const lineAt = createLineIndex(text);
    return {
      value,
      faults,
      lineOf: (path) => lineAt(offsetOf(text, begins, path)),
      textsOf: (path) => {
        const { from, rest } = startOf(begins, path);
        return numberTexts(text, rest, from);
      },
    };
  } catch (cause) {
    throw new ConfigError(`Cannot read manifest "${name}": ${toMessage(cause)}${placeOf(text, cause)}, wanted JSON`, {
      code: "manifest_broken",
      cause,
    });
  }
}

// V8 tells the position in the message of some of its errors
function placeOf(text: string, error: unknown): string {
  const position = /at position (\d+)(?! \(line)/.exec(toMessage(error))?.[1];
  return position === undefined ? "" : ` (line ${text.slice(0, Number(position)).split("\n").length})`;
}

/** Where the parts at the top begin, and the items. */
interface Begins {
  isList: boolean;
  members: Map<string, number>;
  items: number[];
}

function scan(text: string): { begins: Begins; faults: PathFault[] } {
  const begins: Begins = { isList: text.trimStart().startsWith("["), members: new Map(), items: [] };
  const faults: PathFault[] = [];
  const note = (levels: readonly Level[], message: (path: PathStep[]) => string) => {
    const path = levels.map(({ key }) => key);
    if (faults.length < MAX_FAULTS) faults.push({ path, message: message(path.slice(path.indexOf("metadata"))) });
  };
  scanJson(text, {
    onPart: (levels, offset) => {
      const [top, item] = levels;
      if (levels.length > 2 || top === undefined) return;
      if (item === undefined) {
        if (top.isList) begins.items.push(offset);
        else begins.members.set(String(top.key), offset);
      } else if (top.key === "items" && item.isList) begins.items.push(offset);
    },
    onNumber: (levels, source) => {
      if (!isExactNumber(source)) note(levels, (path) => inexactNumber(path, source));
    },
    onRepeatedName: (levels) => note(levels, () => REPEATED),
  });
  return { begins, faults };
}

/** Where a search for the part at `path` begins, and the rest of the path from there. */
function startOf(
  { isList, members, items }: Begins,
  path: readonly PathStep[],
): { from: number; rest: readonly PathStep[] } {
  const [first, second] = path;
  if (first === undefined) return { from: 0, rest: [] };
  if (isList) return { from: items[Number(first)] ?? 0, rest: path.slice(1) };
  if (first === "items" && second !== undefined) {
    const item = items[Number(second)];
    if (item !== undefined) return { from: item, rest: path.slice(2) };
  }
  return { from: members.get(String(first)) ?? 0, rest: path.slice(1) };
}

/** The offset of the part at `path`, or of the nearest part around it. */
function offsetOf(text: string, begins: Begins, path: readonly PathStep[]): number {
  const { from, rest } = startOf(begins, path);
  let best = { depth: 0, offset: from };
  if (rest.length === 0) return from;
  scanJson(
    text,
    {
      onPart: (levels, offset) => {
        if (levels.length <= best.depth || levels.length > rest.length) return;
        if (levels.every(({ key }, depth) => String(key) === String(rest[depth])))
          best = { depth: levels.length, offset };
      },
    },
    from,
  );
  return best.offset;
}

/** The line of an offset, from 1. */
function createLineIndex(text: string): (offset: number) => number {
  let ends: number[] | undefined;
  return (offset) => {
    ends ??= lineEnds(text);
    let low = 0;
    let high = ends.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((ends[middle] as number) < offset) low = middle + 1;
      else high = middle;
    }
    return low + 1;
  };
}

function lineEnds(text: string): number[] {
  const ends: number[] = [];
  for (let end = text.indexOf("\n"); end !== -1; end = text.indexOf("\n", end + 1)) ends.push(end);
  return ends;
}
