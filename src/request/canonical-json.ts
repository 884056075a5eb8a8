// The canonical form of JSON after RFC 8785 (JCS), on which recipe ids and content hashes stand.
// ECMAScript's own number and string forms are the ones the RFC prescribes; what is left is the order of keys.
import { hash } from "node:crypto";

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
  return isArray(value) ? `[${value.map(canonicalJson).join(",")}]` : canonicalObject(value);
}

// a manifest asks twice for each of a million items: adding up is half the time of mapping and joining
function canonicalObject(value: { readonly [key: string]: Json }): string {
  let members = "";
  for (const key of Object.keys(value).sort()) {
    if (members !== "") members += ",";
    members += `${canonicalJson(key)}:${canonicalJson(value[key] as Json)}`;
  }
  return `{${members}}`;
}

/** SHA-256 of the canonical JSON of `value`, lower-case hex. */
export function canonicalDigest(value: Json): string {
  return hash("sha256", canonicalJson(value));
}

// Array.isArray does not narrow readonly arrays
function isArray(value: object): value is readonly Json[] {
  return Array.isArray(value);
}
