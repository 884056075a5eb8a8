// Repairs JSON as some servers write it: single quotes, Python's None and True, comments, trailing commas, raw newlines in
// strings, or truncated. One pass from left to right without recursion; the result is for JSON.parse.

const NO_VALUE = new Set(["None", "undefined", "nan", "NaN", "Infinity", "null", "nil"]);
const WORDS: Readonly<Record<string, string>> = { True: "true", False: "false", true: "true", false: "false" };

interface Frame {
  close: "}" | "]";
  /** In an object: whether a key comes next. */
  awaitsKey: boolean;
}

interface Writer {
  out: string[];
  frames: Frame[];
  /** Not written until it is clear that it is not a trailing comma. */
  comma: boolean;
  /** What is kept if the text is truncated here: the number of pieces of `out`, and the closing brackets. */
  safe: { pieces: number; close: string };
}

/** The text as strict JSON if possible, otherwise something that JSON.parse refuses. `cut`: it may be truncated. */
export function repairJson(text: string, { cut = false }: { cut?: boolean } = {}): string {
  const writing: Writer = { out: [], frames: [], comma: false, safe: { pieces: 0, close: "" } };
  let at = 0;
  while (at < text.length) {
    const next = readToken(text, at, writing);
    if (next === undefined) break;
    at = next;
  }
  if (!cut || writing.frames.length === 0) return writing.out.join("");
  return writing.out.slice(0, writing.safe.pieces).join("") + writing.safe.close;
}

/** Reads the token at `at`; returns the start of the next one, or undefined if the text ends within it. */
function readToken(text: string, at: number, writing: Writer): number | undefined {
  const char = text[at] as string;
  if (char === '"' || char === "'") return readString(text, at, writing);
  if (char === "/" && (text[at + 1] === "/" || text[at + 1] === "*")) return skipComment(text, at);
  if (char === "{" || char === "[") return open(char, at, writing);
  if (char === "}" || char === "]") return close(char, at, writing);
  if (char === ",") {
    writing.comma = true;
    const frame = writing.frames.at(-1);
    if (frame?.close === "}") frame.awaitsKey = true;
    return at + 1;
  }
  if (char === ":") {
    const frame = writing.frames.at(-1);
    if (frame !== undefined) frame.awaitsKey = false;
    writing.out.push(":");
    return at + 1;
  }
  return readWord(text, at, writing);
}

const WORD = /[^\s,:{}[\]"'/]{1,100}/y;

function readWord(text: string, at: number, writing: Writer): number | undefined {
  WORD.lastIndex = at;
  const word = WORD.exec(text)?.[0];
  // white space, or a stray slash
  if (word === undefined) return at + 1;
  if (at + word.length === text.length && writing.frames.length > 0) return undefined;
  const isNumber = /^-?\d/.test(word);
  const value = NO_VALUE.has(word) ? "null" : (WORDS[word] ?? (isNumber ? word : JSON.stringify(word)));
  writeValue(writing, isKey(writing) && !value.startsWith('"') ? JSON.stringify(word) : value);
  return at + word.length;
}

function readString(text: string, at: number, writing: Writer): number | undefined {
  const quote = text[at] as string;
  let end = at + 1;
  for (;;) {
    end = text.indexOf(quote, end);
    if (end === -1) return undefined;
    let backslashes = 0;
    while (text[end - 1 - backslashes] === "\\") backslashes++;
    if (backslashes % 2 === 0) break;
    end++;
  }
  writeValue(writing, toStrictString(text.slice(at + 1, end), quote));
  return end + 1;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what JSON does not allow in a string
const CONTROL = /[\u0000-\u001f]/g;

function toStrictString(raw: string, quote: string): string {
  const plain = raw.replace(CONTROL, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`);
  if (!plain.includes("\\") && quote === '"') return `"${plain}"`;
  const escaped = plain.replace(/\\(u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|[\s\S])|"/g, (match, rest?: string) => {
    if (rest === undefined) return quote === "'" ? '\\"' : match;
    if (rest.startsWith("x")) return `\\u00${rest.slice(1)}`;
    return rest.length > 1 || '"\\/bfnrt'.includes(rest) ? match : rest;
  });
  return `"${escaped}"`;
}

function skipComment(text: string, at: number): number | undefined {
  const isLine = text[at + 1] === "/";
  const end = text.indexOf(isLine ? "\n" : "*/", at + 2);
  if (end === -1) return undefined;
  return end + (isLine ? 1 : 2);
}

function open(char: "{" | "[", at: number, writing: Writer): number {
  flushComma(writing);
  writing.out.push(char);
  writing.frames.push({ close: char === "{" ? "}" : "]", awaitsKey: char === "{" });
  markSafe(writing);
  return at + 1;
}

function close(char: "}" | "]", at: number, writing: Writer): number {
  writing.comma = false;
  writing.out.push(char);
  writing.frames.pop();
  markSafe(writing);
  return at + 1;
}

function writeValue(writing: Writer, value: string): void {
  const key = isKey(writing);
  flushComma(writing);
  writing.out.push(value);
  if (!key) markSafe(writing);
}

function isKey({ frames }: Writer): boolean {
  return frames.at(-1)?.awaitsKey === true;
}

function flushComma(writing: Writer): void {
  if (writing.comma) writing.out.push(",");
  writing.comma = false;
}

/** Deeper nesting is not completed. */
const DEPTH_MAX = 64;

function markSafe({ out, frames, safe }: Writer): void {
  if (frames.length > DEPTH_MAX) return;
  safe.pieces = out.length;
  safe.close = frames
    .map((frame) => frame.close)
    .reverse()
    .join("");
}
