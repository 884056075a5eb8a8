// Parses a lock file, or lists everything that is wrong with it. The root no longer matches if the file was edited by hand:
// this is reported here, before the store is queried. Pure.
import { z } from "zod";
import { ConfigError, type Fault, toMessage } from "../errors.ts";
import { toFaults } from "../request/faults.ts";
import { LOCK_VERSION, type LockEntry, lockEntrySchema } from "./entry.ts";
import { rootOf } from "./root.ts";
import type { LockDefaults } from "./write.ts";

/** A valid lock file. */
export interface Lock extends LockDefaults {
  entries: LockEntry[];
  root: string;
  images: number;
}

const frameSchema = z.strictObject({
  version: z.literal(LOCK_VERSION, { error: `wanted ${LOCK_VERSION}, the version that this program knows` }),
  collection: z.string().optional(),
  tags: z.array(z.string()).optional(),
  entries: z.array(z.unknown()),
  root: z.string().regex(/^sha256:[0-9a-f]{64}$/, "wanted sha256: and 64 lower-case hex digits"),
});

/** The maximum number of faults reported. */
const MAX_FAULTS = 100;

/**
 * Parses a lock file. Throws a ConfigError `lock_file_invalid` that lists every fault with its path, or says that the root
 * does not match the entries.
 */
export function parseLock(text: string, name: string): Lock {
  const frame = parseFrame(text, name);
  const entries: LockEntry[] = [];
  const faults: Fault[] = [];
  const seen = new Set<string>();
  for (const [at, data] of frame.entries.entries()) {
    const parsed = lockEntrySchema.safeParse(data);
    if (!parsed.success) faults.push(...withEntryPath(at, data, toFaults(parsed.error, data)));
    else if (seen.has(parsed.data.request_id))
      faults.push(
        ...withEntryPath(at, data, [{ field: "request_id", message: "wanted each request once, got it again" }]),
      );
    else {
      seen.add(parsed.data.request_id);
      entries.push(parsed.data);
    }
    if (faults.length > MAX_FAULTS) break;
  }
  if (faults.length > 0) throw invalid(name, faults);
  return { ...defaultsOf(frame), entries, root: checkedRoot(frame.root, entries, name), images: countImages(entries) };
}

function parseFrame(text: string, name: string): z.output<typeof frameSchema> {
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch (error) {
    throw new ConfigError(`Cannot read lock file "${name}": ${toMessage(error)}, wanted what "catalog lock" wrote`, {
      code: "lock_file_invalid",
      cause: error,
    });
  }
  const frame = frameSchema.safeParse(data);
  if (frame.success) return frame.data;
  throw invalid(name, toFaults(frame.error, data));
}

function defaultsOf({ collection, tags }: LockDefaults | z.output<typeof frameSchema>): LockDefaults {
  return { ...(collection === undefined ? {} : { collection }), ...(tags === undefined ? {} : { tags }) };
}

/** Faults with the path of the entry, and the id of its request if it is readable. */
function withEntryPath(at: number, data: unknown, faults: readonly Fault[]): Fault[] {
  const id = (data as { request_id?: unknown } | null)?.request_id;
  const of = typeof id === "string" ? ` (of request "${id.slice(0, 100)}")` : "";
  return faults.map(({ field, message }) => ({
    field: field === "(data)" ? `entries.${at}` : `entries.${at}.${field}`,
    message: `${message}${of}`,
  }));
}

function checkedRoot(root: string, entries: readonly LockEntry[], name: string): string {
  const found = rootOf(entries);
  if (found === root) return root;
  const message = `wanted ${found}, the root of the entries, got ${root}: the file was changed after it was written`;
  throw invalid(name, [{ field: "root", message }]);
}

function countImages(entries: readonly LockEntry[]): number {
  return entries.reduce((sum, { images }) => sum + images.length, 0);
}

function invalid(name: string, found: readonly Fault[]): ConfigError {
  const faults = found.slice(0, MAX_FAULTS);
  const lines = faults.map(({ field, message }) => `  ${field}: ${message}`);
  const more = found.length > MAX_FAULTS ? ["  … and more"] : [];
  return new ConfigError(`Lock file "${name}" does not hold together:\n${[...lines, ...more].join("\n")}`, {
    code: "lock_file_invalid",
    faults,
  });
}
