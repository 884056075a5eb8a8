// JSON Lines: an item on each line. Blank lines are passed over. Pure over its text.
import { toMessage } from "../../domain/errors.ts";
import { numberTexts, parseJsonText } from "../../domain/request/json-text.ts";
import type { Fields, ManifestFault, RawItem } from "./entry.ts";
import { LINE_MAX_LENGTH, type Line, linesOf } from "./text.ts";

/** Each line's item, or what is wrong with the line; in parts, as the text comes in pieces. */
export async function* jsonLineItems(pieces: AsyncIterable<string>): AsyncGenerator<Iterable<RawItem | ManifestFault>> {
  for await (const lines of linesOf(pieces)) yield itemsOf(lines);
}

function* itemsOf(lines: Iterable<Line>): Generator<RawItem | ManifestFault> {
  for (const { line, text } of lines) {
    if (text === undefined) yield lineFault(line, `wanted at most ${LINE_MAX_LENGTH} characters`);
    else if (text.trim() !== "") yield parseLine(line, text);
  }
}

function parseLine(line: number, text: string): RawItem | ManifestFault {
  try {
    const { value: fields, faults: textFaults } = parseJsonText(text);
    if (typeof fields === "object" && fields !== null && !Array.isArray(fields))
      return { line, fields: fields as Fields, textFaults, textsOf: (path) => numberTexts(text, path) };
    return lineFault(line, "wanted a JSON object");
  } catch (error) {
    return lineFault(line, `wanted a JSON object on one line: ${toMessage(error)}`);
  }
}

function lineFault(line: number, message: string): ManifestFault {
  return { line, faults: [{ field: "(line)", message }] };
}
