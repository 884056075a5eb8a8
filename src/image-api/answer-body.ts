// Extracts the JSON values from the bytes of a reply, whatever surrounds them: a byte order mark, another encoding, NULs,
// white space, an event stream, JSON lines, a callback, a code fence, JSON inside a JSON string. Pure; never throws.
import { repairJson } from "./lenient-json.ts";

/** The contents of a body. `values` is empty if there is no JSON in it. */
export interface AnswerBody {
  text: string;
  values: unknown[];
}

export interface BodyOptions {
  /** The charset of the Content-Type, for bytes that are not UTF-8. */
  charset?: string | undefined;
  /** The body may be truncated: its complete parts are read. Not for deciding whether a call was paid. */
  cut?: boolean;
}

/** The maximum number of values read. */
const VALUES_MAX = 1_000;
/** The maximum number of unclosed values tried, so that the time stays linear. */
const UNCLOSED_STARTS_MAX = 3;
/** JSON in JSON in JSON. */
const WRAPPED_MAX = 4;

export function readBody(body: Buffer, options: BodyOptions = {}): AnswerBody {
  const text = trim(toText(body, options.charset));
  const whole = parseJson(text);
  if (whole !== undefined) return { text, values: [unwrap(whole)] };
  const events = isEventStream(text) ? readEvents(text, options) : undefined;
  const values = (events ?? scanJson(text, options)).slice(0, VALUES_MAX).map(unwrap);
  return { text, values };
}

/** Parses a string that is JSON itself. Any other value is returned unchanged. */
export function unwrap(value: unknown): unknown {
  let inner = value;
  for (let times = 0; times < WRAPPED_MAX && typeof inner === "string"; times++) {
    if (!/^[\s"{[]/.test(inner)) break;
    const parsed = parseJson(inner);
    if (parsed === undefined) break;
    inner = parsed;
  }
  return inner;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function toText(body: Buffer, charset: string | undefined): string {
  if (body[0] === 0xff && body[1] === 0xfe) return body.subarray(2).toString("utf16le");
  if ((body[0] === 0xfe && body[1] === 0xff) || (body[0] === 0 && body[1] !== 0 && body[2] === 0))
    return decodeAs(body, "utf-16be");
  if (body[0] !== 0 && body[1] === 0 && body[3] === 0) return body.toString("utf16le");
  const text = body.toString("utf8");
  // U+FFFD stands for bytes that are not UTF-8
  return charset !== undefined && text.slice(0, 65_536).includes("\ufffd") ? decodeAs(body, charset) : text;
}

function decodeAs(body: Buffer, label: string): string {
  try {
    return new TextDecoder(label).decode(body);
  } catch {
    return body.toString("utf8");
  }
}

/** Without white space, NULs and byte order marks at either end. A loop: a regex at the end of a text is quadratic. */
function trim(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isBlank(text.charCodeAt(start))) start++;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

function isBlank(code: number): boolean {
  return code <= 0x20 || code === 0xfeff || code === 0xfffe || code === 0xa0;
}

// a data URL begins like a line of an event stream
function isEventStream(text: string): boolean {
  return /^(data|event|id|retry|):/.test(text) && !/^data:\s*[a-z]+\/[a-z0-9.+-]+[;,]/i.test(text.slice(0, 200));
}

/** The data of each event, in order, parsed if it is JSON. */
function readEvents(text: string, options: BodyOptions): unknown[] {
  const values: unknown[] = [];
  let lines: string[] = [];
  const dispatch = () => {
    if (lines.length > 0) values.push(...readData(lines, options));
    lines = [];
  };
  for (const line of text.split(/\r\n|\n|\r/)) {
    if (line === "") dispatch();
    else if (line.startsWith("data:")) lines.push(line.slice(line[5] === " " ? 6 : 5));
    else if (!/^(event|id|retry|):/.test(line)) lines.push(line);
  }
  dispatch();
  return values;
}

// the standard joins the lines of an event with newlines; some servers break JSON anywhere, or omit the empty line
function readData(lines: string[], options: BodyOptions): unknown[] {
  const text = trim(lines.join("\n"));
  if (text === "" || text === "[DONE]") return [];
  const whole = parseJson(text) ?? parseJson(lines.join(""));
  if (whole !== undefined) return [whole];
  const found = scanJson(text, options);
  return found.length > 0 ? found : [text];
}

/** Every JSON value in a text, with anything between them. */
function scanJson(text: string, { cut = false }: BodyOptions): unknown[] {
  const values: unknown[] = [];
  let unclosed = 0;
  let at = nextStart(text, 0);
  while (at !== -1 && values.length < VALUES_MAX && unclosed < UNCLOSED_STARTS_MAX) {
    const end = findEnd(text, at);
    if (end === undefined) unclosed++;
    const value = end === undefined ? (cut ? parseCut(text.slice(at)) : undefined) : parseLenient(text.slice(at, end));
    if (value !== undefined) values.push(value);
    // an unclosed value at the start is a truncated body: its parts are not the answer
    if (end === undefined && (at === 0 || value !== undefined)) break;
    at = nextStart(text, end ?? at + 1);
  }
  return values;
}

function parseLenient(text: string): unknown {
  return parseJson(text) ?? parseJson(repairJson(text));
}

function parseCut(text: string): unknown {
  return parseJson(repairJson(text, { cut: true }));
}

function nextStart(text: string, from: number): number {
  const object = text.indexOf("{", from);
  const list = text.indexOf("[", from);
  if (object === -1 || list === -1) return Math.max(object, list);
  return Math.min(object, list);
}

/** The end of the value that begins at `start`, ignoring brackets in strings. Undefined if it is not closed. */
function findEnd(text: string, start: number): number | undefined {
  let depth = 0;
  for (let at = start; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === DOUBLE || (code === SINGLE && opensString(text, at))) {
      const end = endOfString(text, at);
      if (end === undefined) return undefined;
      at = end - 1;
    } else if (code === CURLY || code === SQUARE) depth++;
    else if ((code === CURLY_END || code === SQUARE_END) && --depth === 0) return at + 1;
  }
  return undefined;
}

const [DOUBLE, SINGLE, CURLY, SQUARE, CURLY_END, SQUARE_END] = [0x22, 0x27, 0x7b, 0x5b, 0x7d, 0x5d];

/** Whether a single quote begins a string: it is at the position of a value or a key. */
function opensString(text: string, at: number): boolean {
  let before = at - 1;
  while (before > 0 && at - before < 100 && text.charCodeAt(before) <= 0x20) before--;
  return "{[,:".includes(text[before] ?? "x");
}

function endOfString(text: string, start: number): number | undefined {
  const quote = text[start] as string;
  for (let at = text.indexOf(quote, start + 1); at !== -1; at = text.indexOf(quote, at + 1)) {
    let backslashes = 0;
    while (text[at - 1 - backslashes] === "\\") backslashes++;
    if (backslashes % 2 === 0) return at + 1;
  }
  return undefined;
}
