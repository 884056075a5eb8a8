// Makes text safe for a terminal. Prompts, tags, file names, API answers and the contents of a store may contain escape
// sequences (title, clear, clipboard) or bidi controls that reorder text. All text written to stdout or stderr passes through
// here. Pure.

// C0 except tab and newline, DEL, C1 (an 8-bit CSI or OSC is one character), line separators, bidi controls, and invisible
// characters. The joiners U+200C and U+200D stay: emoji and several scripts need them
const UNSAFE = /[[\p{Cc}--[\t\n]]\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/gv;

/** The color and weight sequences of our own styling, which are harmless. */
const COLOR_OR_UNSAFE = new RegExp(`\\u001b\\[(?:0|1|22|39|3[1-7]|9[0-7])m|${UNSAFE.source}`, "gv");

/**
 * The text with every unsafe character escaped as in `\u009b`. That is JSON's own escape, so a JSON document keeps its
 * value.
 */
export function toSafeText(text: string): string {
  return text.replaceAll("\r\n", "\n").replace(UNSAFE, toEscape);
}

/** The same, but keeps colors. For lines that we style; text from outside must be made safe before. */
export function toSafeStyledText(text: string): string {
  return text
    .replaceAll("\r\n", "\n")
    .replace(COLOR_OR_UNSAFE, (found) => (found.length > 1 ? found : toEscape(found)));
}

/** The same as one line: newlines are escaped as well. */
export function toSafeLine(text: string): string {
  return toSafeText(text).replaceAll("\n", "\\n");
}

/** A JSON value with all its strings and keys made safe. */
export function toSafeValue(value: unknown): unknown {
  if (typeof value === "string") return toSafeText(value);
  if (Array.isArray(value)) return value.map(toSafeValue);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [toSafeText(name), toSafeValue(one)]));
}

/** Without unsafe characters, for a table cell, where escapes would be noise. */
export function withoutUnsafe(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029]+/gu, " ").replace(UNSAFE, "");
}

function toEscape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
