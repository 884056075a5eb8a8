// Walks the directory store's files, folder by folder, without holding all names in memory.
import type { Dir } from "node:fs";
import { opendir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { isAbsence } from "./directory-errors.ts";

// a put takes seconds: older temporary files are leftovers of killed processes
const STALE_AFTER_MS = 60 * 60 * 1000;

/** Every file below `base` whose key begins with `prefix`, in no particular order. Hidden entries of `base` itself are not keys. */
export async function* walkFiles(base: string, prefix: string): AsyncIterable<{ key: string; bytes: number }> {
  const start = prefix.slice(0, prefix.lastIndexOf("/") + 1);
  yield* walkFolder(base, { at: start, prefix });
}

/** Removes the files of a folder that have not changed for an hour, if the folder exists. */
export async function sweepStaleFiles(folder: string): Promise<void> {
  for await (const entry of entriesOf(folder)) {
    const path = join(folder, entry.name);
    const found = await statOf(path);
    if (found !== undefined && Date.now() - found.mtimeMs > STALE_AFTER_MS) await rm(path, { force: true });
  }
}

async function* walkFolder(
  base: string,
  { at, prefix }: { at: string; prefix: string },
): AsyncIterable<{ key: string; bytes: number }> {
  for await (const entry of entriesOf(join(base, at))) {
    if (at === "" && entry.name.startsWith(".")) continue;
    const key = at + entry.name;
    if (!key.startsWith(prefix)) continue;
    if (entry.isDirectory()) yield* walkFolder(base, { at: `${key}/`, prefix });
    else {
      // a file may be deleted while we walk
      const found = await statOf(join(base, key));
      if (found?.isFile()) yield { key, bytes: found.size };
    }
  }
}

async function* entriesOf(folder: string): AsyncIterable<{ name: string; isDirectory(): boolean }> {
  let entries: Dir;
  try {
    entries = await opendir(folder);
  } catch (thrown) {
    if (isAbsence(thrown)) return;
    throw thrown;
  }
  yield* entries;
}

async function statOf(path: string) {
  try {
    return await stat(path);
  } catch (thrown) {
    if (isAbsence(thrown)) return undefined;
    throw thrown;
  }
}
