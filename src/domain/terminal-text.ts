// Text that does nothing to a terminal. Prompts, tags, file names, answers of APIs and what a foreign store holds may contain
// escape sequences (title, clear, clipboard), or reorder what is read (bidi controls). Whatever is written to stdout or
// stderr as text passes through here. Pure.

// C0 but tab and newline, DEL, C1 (an 8-bit CSI or OSC is one character), line separators, bidi controls, and what is
// invisible. The joiners U+200C and U+200D stay: emoji and several scripts need them
const UNSAFE = /[[\p{Cc}--[\t\n]]\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/gv;

/** A colour or weight as our own styling writes it: such a sequence moves nothing, and hides nothing. */
const COLOR_OR_UNSAFE = new RegExp(`\\u001b\\[(?:0|1|22|39|3[1-7]|9[0-7])m|${UNSAFE.source}`, "gv");

/**
 * The text with every unsafe character written as `\u009b`. In JSON that is the character's own escape, so a document
 * stays valid and keeps its value.
 */
export function toSafeText(text: string): string {
  return text.replaceAll("\r\n", "\n").replace(UNSAFE, toEscape);
}

/** The same, but colours stay. For lines that we style; what comes from outside is made safe before it is styled. */
export function toSafeStyledText(text: string): string {
  return text
    .replaceAll("\r\n", "\n")
    .replace(COLOR_OR_UNSAFE, (found) => (found.length > 1 ? found : toEscape(found)));
}

/** One line: newlines are escaped too. */
export function toSafeLine(text: string): string {
  return toSafeText(text).replaceAll("\n", "\\n");
}

/** A JSON value with safe texts in it, keys too. For what prints texts of a document as they are. */
export function toSafeValue(value: unknown): unknown {
  if (typeof value === "string") return toSafeText(value);
  if (Array.isArray(value)) return value.map(toSafeValue);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [toSafeText(name), toSafeValue(one)]));
}

/** Without them, for a table's cell: an escape there would be noise. */
export function withoutUnsafe(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029]+/gu, " ").replace(UNSAFE, "");
}

function toEscape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
