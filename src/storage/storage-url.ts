// Parses STORAGE_URL. Pure: does not check that the location exists.

import { fileURLToPath } from "node:url";
import { RejectedError, toMessage } from "../domain/errors.ts";
import { withoutTrailing } from "../domain/trim-end.ts";
import { checkKeyPrefix } from "./key.ts";

/** The location of a store. `prefix` has no leading and trailing slashes; "" is the bucket itself. */
export type StorageLocation = { kind: "directory"; path: string } | { kind: "s3"; bucket: string; prefix: string };

const EXPECTED = "wanted file:<directory> or s3://bucket/optional/prefix";
const PREFIX_MAX_LENGTH = 200;

/**
 * | text | is |
 * |---|---|
 * | `file:./data/archive`, `file:/srv/archive` | that directory, literally |
 * | `file:///srv/my%20archive` | a file URL, percent-escapes decoded |
 * | `s3://bucket`, `s3://bucket/a/b` | a bucket, and a prefix for all keys in it |
 *
 * Throws a RejectedError `invalid_storage_url` whose message says what was expected ("wanted …") and contains no secrets.
 */
export function parseStorageUrl(text: string): StorageLocation {
  const trimmed = text.trim();
  if (/^file:/i.test(trimmed)) return { kind: "directory", path: toDirectory(trimmed) };
  if (/^s3:\/\//i.test(trimmed)) return toBucket(trimmed.slice("s3://".length));
  throw invalid(/^[./~]/.test(trimmed) ? `${EXPECTED}; for a directory put file: before the path` : EXPECTED);
}

function toDirectory(url: string): string {
  if (/^file:$/i.test(url)) throw invalid("wanted a directory after file:");
  const path = parseFileUrl(url);
  const fault = pathFault(path);
  if (fault !== undefined) throw invalid(fault);
  return path;
}

/** What is wrong with a path from a user, or undefined. */
export function pathFault(path: string): string | undefined {
  if (/^~(\/|$)/.test(path)) return "wanted a path from / or from the working directory: ~ is not expanded";
  return path.includes("\0") ? "wanted a path without NUL" : undefined;
}

/** The path of `file:…` as in the table above. Throws a RejectedError that says what was expected. */
export function parseFileUrl(url: string): string {
  const rest = url.slice("file:".length);
  if (!rest.startsWith("//")) {
    if (rest === "") throw invalid("wanted a path after file:");
    return rest;
  }
  const parsed = URL.parse(url);
  if (parsed === null || parsed.host !== "") {
    throw invalid("wanted an absolute path after file:// (a relative one is written file:./data/archive)");
  }
  if (parsed.search !== "" || parsed.hash !== "") throw invalid("wanted ? and # in a path written as %3F and %23");
  return decodePath(parsed);
}

function decodePath(url: URL): string {
  try {
    return fileURLToPath(url);
  } catch (cause) {
    throw invalid("wanted valid percent-escapes after file://", cause);
  }
}

function toBucket(rest: string): StorageLocation {
  const slash = rest.indexOf("/");
  const bucket = slash < 0 ? rest : rest.slice(0, slash);
  if (/[@:]/.test(bucket)) throw invalid("wanted a bucket only: keys, region and endpoint go into the AWS_… variables");
  if (!isBucketName(bucket)) {
    throw invalid("wanted a bucket name of 3 to 63 lower-case letters, digits, dots and hyphens after s3://");
  }
  const prefix = slash < 0 ? "" : withoutTrailing(rest.slice(slash).replace(/^\/+/, ""), "/");
  return { kind: "s3", bucket, prefix: checkedPrefix(prefix) };
}

// https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
function isBucketName(name: string): boolean {
  const isAddress = /^\d+\.\d+\.\d+\.\d+$/.test(name);
  return /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(name) && !name.includes("..") && !isAddress;
}

function checkedPrefix(prefix: string): string {
  if (prefix.length > PREFIX_MAX_LENGTH) throw invalid(`wanted a prefix of at most ${PREFIX_MAX_LENGTH} characters`);
  if (/[?#]/.test(prefix)) throw invalid("wanted a prefix without ? and #");
  if (prefix !== "") {
    try {
      checkKeyPrefix(`${prefix}/`);
    } catch (cause) {
      throw invalid(toMessage(cause).replace(/^.*: /, "in the prefix: "), cause);
    }
  }
  return prefix;
}

function invalid(message: string, cause?: unknown): RejectedError {
  return new RejectedError(message, { code: "invalid_storage_url", cause });
}
