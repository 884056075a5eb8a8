// A lock that one process at a time holds, on a file beside the catalog: an exclusive transaction on an empty database. The
// kernel gives it back when its holder dies, so nothing has to be believed, renewed or taken over.
import { accessSync, constants } from "node:fs";
import Sqlite from "better-sqlite3";
import { ConfigError } from "../../domain/errors.ts";
import { ensurePrivateFile } from "../../storage/private-files.ts";
import { toCatalogError } from "./sqlite-errors.ts";

/** Held until it is released. */
export interface FileLock {
  release(): void;
}

/**
 * Takes the lock at `path`; undefined where somebody else holds it for all of `waitMs`, for which the thread stands still.
 * Throws ConfigError where the file cannot be made, or may not be written.
 */
export function takeFileLock(path: string, { waitMs }: { waitMs: number }): FileLock | undefined {
  let lock: Sqlite.Database | undefined;
  try {
    ensurePrivateFile(path);
    const taken = new Sqlite(path, { timeout: waitMs });
    lock = taken;
    taken.exec("begin exclusive");
    requireWritable(path);
    return { release: () => void taken.close() };
  } catch (error) {
    lock?.close();
    if ((error as { code?: string }).code === "SQLITE_BUSY") return undefined;
    throw toCatalogError(error, path);
  }
}

// on a file of somebody else's SQLite begins a transaction that only reads, and says nothing: any number would hold the lock
function requireWritable(path: string): void {
  try {
    accessSync(path, constants.W_OK);
  } catch (cause) {
    throw new ConfigError(`Cannot lock "${path}": wanted leave to write it; give it to the user of the catalog`, {
      code: "catalog_unwritable",
      cause,
    });
  }
}
