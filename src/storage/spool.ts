// The spool: files on the local disk that must survive a crash and an outage of the store, until they are archived.
import { open, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { ArchiverError, ConfigError, toMessage } from "../domain/errors.ts";
import type { Spool } from "../pipeline/ports.ts";
import { makeFolder } from "./make-folder.ts";
import { PRIVATE_FILE } from "./private-files.ts";

export interface OpenSpool extends Spool {
  /** The names of all files. */
  list(): Promise<string[]>;
}

const UNFINISHED = ".unfinished";

/** A spool in `folder`, which is created by the first write. */
export function createSpool({ folder }: { folder: string }): OpenSpool {
  return {
    write: async (name, bytes) => {
      const path = join(folder, checkName(name));
      await withSpoolError(`write "${name}" to`, folder, () => writeDurably(path, { folder, bytes }));
    },
    read: async (name, { admit } = {}) => {
      const path = join(folder, checkName(name));
      return withSpoolError(`read "${name}" from`, folder, async () => {
        const file = await stat(path).catch(undefinedIfMissing);
        if (file !== undefined) await admit?.(file.size);
        return readFile(path).catch(undefinedIfMissing);
      });
    },
    remove: (name) => rm(join(folder, checkName(name)), { force: true }),
    list: async () => (await names(folder)).filter((name) => !name.endsWith(UNFINISHED)),
  };
}

// syncs file and folder: otherwise the name may be lost in a power failure
async function writeDurably(path: string, { folder, bytes }: { folder: string; bytes: Buffer }): Promise<void> {
  await makeFolder(folder);
  // a leftover of a killed process, or someone else's file: remove it, do not write to it
  await rm(path + UNFINISHED, { force: true });
  const file = await open(path + UNFINISHED, "wx", PRIVATE_FILE);
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(path + UNFINISHED, path);
  await syncFolder(folder);
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function names(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

function undefinedIfMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== "ENOENT") throw error;
}

async function withSpoolError<T>(what: string, folder: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof ArchiverError) throw error;
    throw new ConfigError(`Cannot ${what} the spool "${folder}": ${toMessage(error)}`, {
      code: "spool_failed",
      cause: error,
    });
  }
}

// defense in depth: names are derived from request ids, which contain no slash
function checkName(name: string): string {
  if (!/^[A-Za-z0-9._-]+$/.test(name) || name === "." || name === "..")
    throw new TypeError(`Cannot spool under the name "${name}"`);
  return name;
}
