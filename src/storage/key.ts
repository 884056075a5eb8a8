// The rules for store keys and list prefixes, the same for every store. Pure.
import { RejectedError } from "../domain/errors.ts";

/** S3 allows 1,024 bytes including the store's own prefix, for which this leaves space. */
const KEY_MAX_LENGTH = 800;

/**
 * Throws a RejectedError `store_key_invalid` unless `key` is relative, printable ASCII, with "/" between parts. The first
 * part must not begin with ".": the directory store keeps its temporary files there.
 */
export function checkKey(key: string): void {
  const fault = key === "" ? "wanted at least 1 character" : (faultOfText(key) ?? faultOfParts(key.split("/")));
  if (fault !== undefined) throw invalid("key", key, fault);
}

/** The same for a prefix: "" means all keys, and the last part may be incomplete. */
export function checkKeyPrefix(prefix: string): void {
  const parts = prefix.split("/");
  const whole = parts.slice(0, -1);
  const last = parts.at(-1) === ".." ? "wanted no .. part" : undefined;
  const fault = faultOfText(prefix) ?? faultOfParts(whole) ?? last;
  if (fault !== undefined) throw invalid("prefix", prefix, fault);
}

function faultOfText(text: string): string | undefined {
  if (text.length > KEY_MAX_LENGTH) return `wanted at most ${KEY_MAX_LENGTH} characters, got ${text.length}`;
  if (/[^\x20-\x7e]|\\/.test(text)) return "wanted printable ASCII without backslashes";
  return undefined;
}

function faultOfParts(parts: readonly string[]): string | undefined {
  if (parts.includes("")) return "wanted no empty part";
  if (parts.includes(".") || parts.includes("..")) return "wanted no . or .. part";
  if (parts[0]?.startsWith(".")) return "wanted a first part that does not begin with a dot";
  return undefined;
}

function invalid(what: string, text: string, fault: string): RejectedError {
  return new RejectedError(`Cannot use store ${what} ${JSON.stringify(text.slice(0, 100))}: ${fault}`, {
    code: "store_key_invalid",
  });
}
