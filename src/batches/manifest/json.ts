// JSON to a document that knows its lines: parsed by the engine, then walked once for where the parts begin.
import { ConfigError, toMessage } from "../../domain/errors.ts";
import type { ParsedDocument } from "./document.ts";
import { wholeText } from "./text.ts";

/** Held as a whole, and as values. In characters. */
export const JSON_MAX_LENGTH = 64 * 1024 ** 2;

/** Reads and parses a JSON document. Throws ConfigError `manifest_broken` for what is none. */
export async function parseJson(pieces: AsyncIterable<string>, name: string): Promise<ParsedDocument> {
  const text = await wholeText(pieces, { name, maxLength: JSON_MAX_LENGTH });
  try {
    const value: unknown = JSON.parse(text);
    const lines = linesOfParts(text);
    return {
      value,
      lineOf: (path) => lines.get(path.slice(0, DEPTH).join("/")) ?? lines.get(String(path[0] ?? "")) ?? 1,
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

/** Items are two steps from the root: items/17. */
const DEPTH = 2;

interface Level {
  isList: boolean;
  /** The name or the number of the part that comes next or is being read. */
  key: string | number;
}

const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\],:\n]|[^\s"{}[\],:]+/g;

/** The line of each part that is at most DEPTH steps from the root, by its path. The text is known to be JSON. */
function linesOfParts(text: string): Map<string, number> {
  const lines = new Map<string, number>();
  const levels: Level[] = [];
  let line = 1;
  for (const [token] of text.matchAll(TOKEN)) {
    if (token === "\n") line++;
    else walk(token, { levels, note: () => note(lines, levels, line) });
  }
  return lines;
}

function walk(token: string, { levels, note }: { levels: Level[]; note: () => void }): void {
  const level = levels.at(-1);
  if (token === ",") {
    if (level?.isList) level.key = Number(level.key) + 1;
    else if (level !== undefined) level.key = "";
  } else if (token === "}" || token === "]") {
    levels.pop();
  } else if (token !== ":") {
    if (level !== undefined && !level.isList && level.key === "") level.key = String(JSON.parse(token));
    note();
    if (token === "{" || token === "[") levels.push({ isList: token === "[", key: token === "[" ? 0 : "" });
  }
}

// the first token of a part is the one that counts: for a member of an object its name
function note(lines: Map<string, number>, levels: readonly Level[], line: number): void {
  if (levels.length > DEPTH) return;
  const path = levels.map(({ key }) => key).join("/");
  if (!lines.has(path)) lines.set(path, line);
}
