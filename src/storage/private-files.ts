// The modes of files for this user only: the catalog, its WAL, the spool, sidecars and exports contain prompts, signed URLs
// and webhook tokens. Existing files keep their mode. Folders: `make-folder.ts`.
import { closeSync, openSync } from "node:fs";

/** The mode of files. */
export const PRIVATE_FILE = 0o600;
/** The mode of folders. */
export const PRIVATE_FOLDER = 0o700;

/** For writing a file that must not exist yet: fails if there is a file or a symlink of that name. */
export const NEW_PRIVATE_FILE = { flag: "wx", mode: PRIVATE_FILE } as const;

/** Creates an empty file unless it exists. SQLite opens it as a new database, and gives its WAL files the same mode. */
export function ensurePrivateFile(path: string): void {
  try {
    closeSync(openSync(path, NEW_PRIVATE_FILE.flag, PRIVATE_FILE));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}
