// Parses JSON documents in our own format that anyone may have written: sidecars in a store. Strict in encoding, and limited
// in depth, so that checking the schema cannot overflow the stack. Pure.
import { decodeText } from "../decode-text.ts";
import { isTooDeep, MAX_DEPTH } from "./json-safety.ts";

/** Levels around the deepest value that a producer may have sent, such as `request.metadata`. */
const ENVELOPE_DEPTH = 8;

/** Parses a document. Throws an Error that says what is wrong with it. */
export function parseDocument(bytes: Uint8Array): unknown {
  const value: unknown = JSON.parse(decodeText(bytes));
  const levels = MAX_DEPTH + ENVELOPE_DEPTH;
  if (isTooDeep(value, levels)) throw new TypeError(`wanted at most ${levels} levels of arrays and objects`);
  return value;
}
