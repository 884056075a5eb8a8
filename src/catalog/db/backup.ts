// A consistent copy of the live database, checked before it gets its name.
import { randomUUID } from "node:crypto";
import { constants, copyFileSync, existsSync, linkSync, rmSync } from "node:fs";
import Sqlite from "better-sqlite3";
import { ConfigError, toMessage } from "../../domain/errors.ts";
import { ensurePrivateFile } from "../../storage/private-files.ts";

export interface BackupOptions {
  file: string;
  /** Told how far it is, from 0 to 1. */
  onProgress?: ((share: number) => void) | undefined;
}

/** Pages copied between two turns of the event loop. */
const PAGES = 1_000;

/** Copies while others write; the copy is the database of one moment. Throws a ConfigError where it cannot be written. */
export async function backupDatabase(sqlite: Sqlite.Database, { file, onProgress }: BackupOptions): Promise<void> {
  if (existsSync(file))
    throw new ConfigError(`Cannot back up to "${file}": it exists already`, { code: "output_exists" });
  // a name that nobody can have put a symlink under
  const unfinished = `${file}.${randomUUID()}.unfinished`;
  try {
    ensurePrivateFile(unfinished);
    await sqlite.backup(unfinished, {
      progress: ({ totalPages, remainingPages }) => {
        onProgress?.(totalPages === 0 ? 0 : 1 - remainingPages / totalPages);
        return PAGES;
      },
    });
    check(unfinished);
    nameCopy(unfinished, file);
  } catch (error) {
    throw new ConfigError(`Cannot back up to "${file}": ${toMessage(error)}`, { code: "backup_failed", cause: error });
  } finally {
    rmSync(unfinished, { force: true });
  }
}

// a second name, and not a rename: what has been put there meanwhile is not replaced
function nameCopy(unfinished: string, file: string): void {
  try {
    linkSync(unfinished, file);
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    // a file system without hard links
    if (!["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS"].includes(code)) throw error;
    copyFileSync(unfinished, file, constants.COPYFILE_EXCL);
  }
}

function check(file: string): void {
  const copy = new Sqlite(file);
  try {
    // one file, without a log beside it
    copy.pragma("journal_mode = DELETE");
    const [fault] = copy.pragma("quick_check(1)") as { quick_check: string }[];
    if (fault?.quick_check !== "ok") throw new Error(`the copy is broken: ${fault?.quick_check}`);
  } finally {
    copy.close();
  }
}
