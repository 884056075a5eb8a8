// Puts a new catalog in the place of the old one: in one rename, so that there is a whole one at any time.
import { closeSync, constants, copyFileSync, existsSync, fsyncSync, linkSync, openSync, renameSync } from "node:fs";
import { dirname } from "node:path";
import Sqlite from "better-sqlite3";
import { ConfigError, toMessage } from "../../domain/errors.ts";

/** Swaps `fresh` (a whole catalog, closed) in for `file`; returns where the old one is kept, or null where there was none. */
export function replaceCatalog({ file, fresh, at }: { file: string; fresh: string; at: Date }): string | null {
  if (!existsSync(file)) {
    renameSync(fresh, file);
    syncFolder(file);
    return null;
  }
  const kept = `${file}.before-rebuild-${at.toISOString().replace(/[-:]|\.\d+/g, "")}`;
  foldLog(file);
  // its log, where one is left, belongs to the old file and would spoil the new one
  for (const log of ["-wal", "-shm"]) if (existsSync(file + log)) renameSync(file + log, kept + log);
  keep(file, kept);
  renameSync(fresh, file);
  syncFolder(file);
  return kept;
}

/** Writes the log into the file. That needs the file for itself: who else has it open would go on with the old one. */
function foldLog(file: string): void {
  let old: Sqlite.Database | undefined;
  try {
    old = new Sqlite(file, { timeout: 5_000 });
    old.pragma("journal_mode = DELETE");
  } catch (error) {
    const code = (error as { code?: string }).code ?? "";
    if (/^SQLITE_(BUSY|LOCKED)/.test(code))
      throw new ConfigError(
        `Cannot swap in the new catalog: another program has "${file}" open; stop workers and servers first`,
        { code: "catalog_in_use", cause: error },
      );
    // a broken one is what rebuilding is for
    if (!/^SQLITE_(CORRUPT|NOTADB|IOERR)/.test(code))
      throw new ConfigError(`Cannot swap in the new catalog: ${toMessage(error)}`, {
        code: "catalog_unwritable",
        cause: error,
      });
  } finally {
    old?.close();
  }
}

// a second name and not a rename: between two renames a killed process would leave no catalog at all
function keep(file: string, kept: string): void {
  try {
    linkSync(file, kept);
  } catch {
    copyFileSync(file, kept, constants.COPYFILE_EXCL);
  }
}

function syncFolder(file: string): void {
  const folder = openSync(dirname(file), "r");
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
