// JSON Lines: an item on each line. Blank lines are passed over. Pure over its text.
import { toMessage } from "../errors.ts";
import type { ManifestFault, RawItem } from "./entry.ts";
import { LINE_MAX_LENGTH, linesOf } from "./text.ts";

/** Each line's item, or what is wrong with the line. */
export async function* jsonLineItems(pieces: AsyncIterable<string>): AsyncGenerator<RawItem | ManifestFault> {
  for await (const { line, text } of linesOf(pieces)) {
    if (text === undefined) yield lineFault(line, `wanted at most ${LINE_MAX_LENGTH} characters`);
    else if (text.trim() !== "") yield parseLine(line, text);
  }
}

function parseLine(line: number, text: string): RawItem | ManifestFault {
  try {
    const fields: unknown = JSON.parse(text);
    if (typeof fields === "object" && fields !== null && !Array.isArray(fields)) return { line, fields: { ...fields } };
    return lineFault(line, "wanted a JSON object");
  } catch (error) {
    return lineFault(line, `wanted a JSON object on one line: ${toMessage(error)}`);
  }
}

function lineFault(line: number, message: string): ManifestFault {
  return { line, faults: [{ field: "(line)", message }] };
}
