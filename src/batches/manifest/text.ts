// From bytes to text and lines, a piece at a time: UTF-8 checked, a byte order mark dropped, nothing held but one line.
import { createDecoder, detectEncoding, EXPECTED_ENCODING } from "../../domain/decode-text.ts";
import { ConfigError } from "../../domain/errors.ts";
import { findForeignKind, KIND_LENGTH } from "./file-kind.ts";

/** A line longer than this is no item: prompts and metadata have limits far below. In characters. */
export const LINE_MAX_LENGTH = 1024 ** 2;

/**
 * The text of `bytes`, in pieces as they come: UTF-8, or UTF-16 with a byte order mark. Throws ConfigError `manifest_broken` for
 * anything else, and names a spreadsheet or an archive as what it is.
 */
export async function* textOf(bytes: AsyncIterable<Uint8Array>, name: string): AsyncGenerator<string> {
  const { head, rest } = await peekBytes(bytes);
  const kind = findForeignKind(name, head);
  // nobody reads on: the source is closed here
  if (kind !== undefined) await rest.return?.();
  if (kind !== undefined) throw new ConfigError(`Cannot read manifest "${name}": ${kind}`, { code: "manifest_broken" });
  // drops the byte order mark by itself
  const decoder = createDecoder(detectEncoding(head));
  let lines = 1;
  for await (const piece of resumeBytes(head, rest)) {
    const text = decode(decoder, piece, { name, lines });
    lines += text.split("\n").length - 1;
    if (text !== "") yield text;
  }
  const end = decode(decoder, undefined, { name, lines });
  if (end !== "") yield end;
}

/** The first bytes, and what comes after them. */
async function peekBytes(
  bytes: AsyncIterable<Uint8Array>,
): Promise<{ head: Uint8Array; rest: AsyncIterator<Uint8Array> }> {
  const rest = bytes[Symbol.asyncIterator]();
  const pieces: Uint8Array[] = [];
  for (let length = 0; length < KIND_LENGTH; ) {
    const { value, done } = await rest.next();
    if (done) break;
    pieces.push(value);
    length += value.length;
  }
  return { head: Buffer.concat(pieces), rest };
}

async function* resumeBytes(head: Uint8Array, rest: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    if (head.length > 0) yield head;
    for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value;
  } finally {
    // a reader that leaves early must close the source
    await rest.return?.();
  }
}

type Decoder = ReturnType<typeof createDecoder>;

function decode(decoder: Decoder, piece: Uint8Array | undefined, at: { name: string; lines: number }): string {
  try {
    return piece === undefined ? decoder.decode() : decoder.decode(piece, { stream: true });
  } catch (cause) {
    throw new ConfigError(
      `Cannot read manifest "${at.name}": ${EXPECTED_ENCODING}, got other bytes after line ${at.lines}; save it as UTF-8 (in a spreadsheet: "CSV UTF-8")`,
      {
        code: "manifest_broken",
        cause,
      },
    );
  }
}

/** The beginning of a text, at least `minLength` characters or all there is, and the whole text again. */
export async function peekText(
  pieces: AsyncGenerator<string>,
  minLength: number,
): Promise<{ head: string; whole: AsyncGenerator<string> }> {
  let head = "";
  while (head.length < minLength) {
    const { value, done } = await pieces.next();
    if (done) break;
    head += value;
  }
  return { head, whole: resume(head, pieces) };
}

async function* resume(head: string, rest: AsyncGenerator<string>): AsyncGenerator<string> {
  try {
    if (head !== "") yield head;
    yield* rest;
  } finally {
    // a reader that leaves before the rest was begun must close it all the same
    await rest.return(undefined);
  }
}

/** A line with its number, from 1. `text` is undefined where it is too long to be held. */
export interface Line {
  line: number;
  text: string | undefined;
}

/** The lines that end in each piece, without their ends (\n or \r\n). To be gone through before the next are asked for. */
export async function* linesOf(pieces: AsyncIterable<string>): AsyncGenerator<Iterable<Line>> {
  const begun: Line = { line: 1, text: "" };
  for await (const piece of pieces) yield linesIn(piece, begun);
  if (begun.text !== "") yield [begun];
}

/** `begun` is the line that the last piece broke off in, and afterwards the one that this piece does. */
function* linesIn(piece: string, begun: Line): Generator<Line> {
  let start = 0;
  for (let end = piece.indexOf("\n"); end !== -1; end = piece.indexOf("\n", start)) {
    const { line, text } = begun;
    begun.line++;
    begun.text = "";
    yield { line, text: joined(text, piece.slice(start, end)) };
    start = end + 1;
  }
  begun.text = joined(begun.text, piece.slice(start));
}

function joined(begun: string | undefined, more: string): string | undefined {
  if (begun === undefined || begun.length + more.length > LINE_MAX_LENGTH) return undefined;
  return begun + more;
}

/** All of a text. Throws ConfigError `manifest_broken` where it is longer than `maxLength` characters. */
export async function wholeText(
  pieces: AsyncIterable<string>,
  options: { name: string; maxLength: number },
): Promise<string> {
  const parts: string[] = [];
  let length = 0;
  for await (const piece of pieces) {
    parts.push(piece);
    length += piece.length;
    if (length <= options.maxLength) continue;
    throw new ConfigError(
      `Cannot read manifest "${options.name}": it is one document of more than ${options.maxLength} characters; write it as JSON Lines or CSV, which have no limit`,
      { code: "manifest_broken" },
    );
  }
  return parts.join("");
}
