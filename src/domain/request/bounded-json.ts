// Bounds values from outside before they are recorded: small and shallow ones are kept, others become a prefix of their JSON
// text. Nothing here recurses, so deep nesting cannot overflow the stack. Pure.
import type { Json } from "./canonical-json.ts";
import { isTooDeep } from "./json-safety.ts";

/** The maximum recorded length of a rejected value, in characters: enough to recognize it, too little to fill a disk. */
export const RECORDED_MAX_LENGTH = 64 * 1024;

/**
 * The value itself if its JSON has at most RECORDED_MAX_LENGTH characters and is not too deep, otherwise a prefix of its JSON
 * of that length. Idempotent.
 */
export function toRecordable(value: unknown): Json {
  if (value === undefined) return null;
  if (typeof value === "string") return truncate(value);
  if (!isTooDeep(value)) {
    const text = JSON.stringify(value) ?? "null";
    if (text.length <= RECORDED_MAX_LENGTH) return value as Json;
  }
  return truncate(jsonPrefix(value, RECORDED_MAX_LENGTH + 1));
}

function truncate(text: string): string {
  return text.length <= RECORDED_MAX_LENGTH ? text : `${text.slice(0, RECORDED_MAX_LENGTH - 1)}…`.toWellFormed();
}

/** What is still to be written: text, or a value. */
type JsonToken = { text: string } | { value: unknown };

/** At least the first `length` characters of the JSON of `value`, or all of it. */
export function jsonPrefix(value: unknown, length: number): string {
  const pending: JsonToken[] = [{ value }];
  let written = "";
  for (let next = pending.pop(); next !== undefined && written.length < length; next = pending.pop()) {
    if ("text" in next) written += next.text;
    else if (typeof next.value !== "object" || next.value === null) written += JSON.stringify(next.value) ?? "null";
    else for (const part of tokensOf(next.value, length).reverse()) pending.push(part);
  }
  return written;
}

/** The tokens of a list or an object, in order; at most as many members as fit in `length` characters. */
function tokensOf(value: object, length: number): JsonToken[] {
  const isList = Array.isArray(value);
  const parts: JsonToken[] = [{ text: isList ? "[" : "{" }];
  const members = isList ? value.slice(0, length) : Object.keys(value).slice(0, length);
  for (const [index, member] of members.entries()) {
    if (index > 0) parts.push({ text: "," });
    if (isList) parts.push({ value: member });
    else parts.push({ text: `${JSON.stringify(member)}:` }, { value: (value as Record<string, unknown>)[member] });
  }
  return [...parts, { text: isList ? "]" : "}" }];
}
