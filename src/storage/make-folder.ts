// Makes folders with their parents, one level at a time. Not by Node's recursive mkdir: below /proc and /sys, where a folder
// that is there answers ENOENT to every mkdir in it, that one climbs and descends without an end and spins a core.
import { mkdirSync, statSync } from "node:fs";
import { mkdir, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";

/** What lies in them is nobody else's business: prompts, signed URLs, webhook tokens. */
const PRIVATE = 0o700;

/**
 * Resolves once `folder` is there, each new one for this user only unless `mode` says otherwise; to the topmost folder that was made, or undefined where none had to be. Rejects with the
 * file system's own code, or with ENOTSUP where folders cannot be made in the one above.
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
      // another process was quicker
      if (codeOf(error) === "EEXIST" && (await stat(one)).isDirectory()) continue;
      throw explainError(error, one);
    }
  }
  return made;
}

/** The same, for those who cannot wait for a promise. */
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

/** What is missing of a path, from above to below. */
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

// ENOENT although the parent is there: a file system that has folders of its own only
function explainError(error: unknown, folder: string): unknown {
  if (codeOf(error) !== "ENOENT" || statSync(dirname(folder), { throwIfNoEntry: false }) === undefined) return error;
  const message = `ENOTSUP: no folder can be made in "${dirname(folder)}"; name a place on a disk`;
  return Object.assign(new Error(message, { cause: error }), { code: "ENOTSUP" });
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}
