// JSON documents of our own form that somebody else may have written: sidecars in a store. Decoded strictly, and refused
// before a schema walks into levels that would overflow its stack. Pure.
import { decodeText } from "../decode-text.ts";
import { isTooDeep, MAX_DEPTH } from "./json-safety.ts";

/** Levels around the deepest part that a producer may have sent, such as `request.metadata`. */
const ENVELOPE_DEPTH = 8;

/** The value of a document. Throws an Error that says what is wrong with it. */
export function parseDocument(bytes: Uint8Array): unknown {
  const value: unknown = JSON.parse(decodeText(bytes));
  const levels = MAX_DEPTH + ENVELOPE_DEPTH;
  if (isTooDeep(value, levels)) throw new TypeError(`wanted at most ${levels} levels of arrays and objects`);
  return value;
}
