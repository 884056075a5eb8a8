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
  if (typeof value === "string") return quoted(value);
  if (typeof value === "number") return numeral(value);
  if (value === null || typeof value !== "object") return String(value);
  return isArray(value) ? canonicalArray(value) : canonicalObject(value);
}

// a manifest asks several times for each of a million items: adding up is half the time of mapping and joining
function canonicalArray(value: readonly Json[]): string {
  let members = "";
  for (const member of value) members += members === "" ? canonicalJson(member) : `,${canonicalJson(member)}`;
  return `[${members}]`;
}

function canonicalObject(value: { readonly [key: string]: Json }): string {
  let members = "";
  for (const key of Object.keys(value).sort()) {
    if (members !== "") members += ",";
    members += nameOf(key) + canonicalJson(value[key] as Json);
  }
  return `{${members}}`;
}

/** The same few names are written again and again. No more than this many are kept, whatever metadata may hold. */
const KEPT_NAMES = 1_000;
const names = new Map<string, string>();

function nameOf(key: string): string {
  const known = names.get(key);
  if (known !== undefined) return known;
  const name = `${quoted(key)}:`;
  if (names.size < KEPT_NAMES) names.set(key, name);
  return name;
}

function quoted(text: string): string {
  if (text.isWellFormed()) return JSON.stringify(text);
  throw new TypeError("Cannot write a lone surrogate as JSON");
}

function numeral(value: number): string {
  if (Number.isFinite(value)) return String(value);
  throw new TypeError(`Cannot write ${value} as JSON`);
}

/** SHA-256 of the canonical JSON of `value`, lower-case hex. */
export function canonicalDigest(value: Json): string {
  return hash("sha256", canonicalJson(value));
}

// Array.isArray does not narrow readonly arrays
function isArray(value: object): value is readonly Json[] {
  return Array.isArray(value);
}
