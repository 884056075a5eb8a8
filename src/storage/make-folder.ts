// Creates folders with their parents, one level at a time. Not with Node's recursive mkdir: below /proc and /sys, where mkdir
// in an existing folder fails with ENOENT, it loops without end and uses a full core.
import { mkdirSync, statSync } from "node:fs";
import { mkdir, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";

/** For this user only: the files contain prompts, signed URLs and webhook tokens. */
const PRIVATE = 0o700;

/**
 * Resolves once `folder` exists, to the topmost folder it created, or undefined if it created none. New folders have `mode`.
 * Rejects with the file system's own code, or with ENOTSUP if the parent does not allow folders.
 */
export async function makeFolder(
  folder: string,
  { mode = PRIVATE }: { mode?: number } = {},
): Promise<string | undefined> {
  const path = resolve(folder);
  let made: string | undefined;
  for (const one of await missingParents(path)) {
    try {
      await mkdir(one, mode);
      made ??= one;
    } catch (error) {
      // another process created it first
      if (codeOf(error) === "EEXIST" && (await stat(one)).isDirectory()) continue;
      throw explainError(error, one);
    }
  }
  return made;
}

/** The same, synchronously. */
export function makeFolderSync(folder: string, { mode = PRIVATE }: { mode?: number } = {}): string | undefined {
  const path = resolve(folder);
  let made: string | undefined;
  for (const one of missingParentsSync(path)) {
    try {
      mkdirSync(one, mode);
      made ??= one;
    } catch (error) {
      if (codeOf(error) === "EEXIST" && statSync(one).isDirectory()) continue;
      throw explainError(error, one);
    }
  }
  return made;
}

/** The missing folders of a path, from top to bottom. */
async function missingParents(path: string): Promise<string[]> {
  const missing: string[] = [];
  for (let at = path; ; at = dirname(at)) {
    const found = await stat(at).catch(undefinedIfMissing);
    if (found !== undefined) return requireDirectory(found, at, missing);
    missing.unshift(at);
    if (at === dirname(at)) return missing;
  }
}

function missingParentsSync(path: string): string[] {
  const missing: string[] = [];
  for (let at = path; ; at = dirname(at)) {
    const found = statSync(at, { throwIfNoEntry: false });
    if (found !== undefined) return requireDirectory(found, at, missing);
    missing.unshift(at);
    if (at === dirname(at)) return missing;
  }
}

function requireDirectory(found: { isDirectory(): boolean }, at: string, missing: string[]): string[] {
  if (found.isDirectory()) return missing;
  throw Object.assign(new Error(`ENOTDIR: "${at}" is a file, not a folder`), { code: "ENOTDIR" });
}

function undefinedIfMissing(error: unknown): undefined {
  if (codeOf(error) !== "ENOENT") throw error;
}

// ENOENT although the parent exists: a virtual file system such as /proc
function explainError(error: unknown, folder: string): unknown {
  if (codeOf(error) !== "ENOENT" || statSync(dirname(folder), { throwIfNoEntry: false }) === undefined) return error;
  const message = `ENOTSUP: no folder can be created in "${dirname(folder)}"; use a path on a disk`;
  return Object.assign(new Error(message, { cause: error }), { code: "ENOTSUP" });
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}
