// The canonical form of JSON after RFC 8785 (JCS), on which recipe ids and content hashes stand.
// ECMAScript's own number and string forms are the ones the RFC prescribes; what is left is the order of keys.
import { createHash } from "node:crypto";

/** JSON as a value: what `JSON.parse` can return. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/**
 * The canonical JSON of `value`: no white space, keys sorted by UTF-16 code units.
 * Throws a TypeError for what I-JSON cannot hold: non-finite numbers and lone surrogates.
 */
export function canonicalJson(value: Json): string {
  if (typeof value === "number" && !Number.isFinite(value)) throw new TypeError(`Cannot write ${value} as JSON`);
  if (typeof value === "string" && !value.isWellFormed()) throw new TypeError("Cannot write a lone surrogate as JSON");
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  if (isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  const members = Object.keys(value)
    .sort()
    .map((key) => `${canonicalJson(key)}:${canonicalJson(value[key] as Json)}`);
  return `{${members.join(",")}}`;
}

/** SHA-256 of the canonical JSON of `value`, lower-case hex. */
export function canonicalDigest(value: Json): string {
  return createHash("sha256").update(canonicalJson(value)).digest("hex");
}

// Array.isArray does not narrow readonly arrays
function isArray(value: object): value is readonly Json[] {
  return Array.isArray(value);
}
