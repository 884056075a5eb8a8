// Values from outside on their way into the record: kept as they are where they are small and shallow, otherwise as a text
// of their beginning. Nothing here recurses, so no depth of nesting overflows the stack. Pure.
import type { Json } from "./canonical-json.ts";
import { isTooDeep } from "./json-safety.ts";

/** What is recorded of a value that was not accepted: enough to recognise it, too little to fill a disk. In characters. */
export const RECORDED_MAX_LENGTH = 64 * 1024;

/**
 * The value itself where its JSON has at most RECORDED_MAX_LENGTH characters and a sound depth, otherwise a text of at most
 * that length: the beginning of its JSON. Applied to its own result it changes nothing.
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

/** What is still to be written: a piece of text, or a value. */
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

/** The pieces of a list or an object, in their order; of a long one only as many as `length` characters can hold. */
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
