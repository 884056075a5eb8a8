// Plain text: a prompt on each line, taken letter by letter. Blank lines are passed over. Pure over its text.
import type { ManifestFault, RawItem } from "./entry.ts";
import { LINE_MAX_LENGTH, type Line, linesOf } from "./text.ts";

/** Each line's item, or what is wrong with the line; in parts, as the text comes in pieces. */
export async function* promptLineItems(
  pieces: AsyncIterable<string>,
): AsyncGenerator<Iterable<RawItem | ManifestFault>> {
  for await (const lines of linesOf(pieces)) yield itemsOf(lines);
}

function* itemsOf(lines: Iterable<Line>): Generator<RawItem | ManifestFault> {
  for (const { line, text } of lines) {
    if (text === undefined) {
      yield { line, faults: [{ field: "(line)", message: `wanted at most ${LINE_MAX_LENGTH} characters` }] };
    } else if (text.trim() !== "") yield { line, fields: { prompt: text.trim() } };
  }
}
