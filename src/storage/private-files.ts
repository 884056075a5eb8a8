// How files are made that others on this machine have no business with: the catalog, its log, the spool, sidecars and exports
// hold prompts, signed URLs and webhook tokens. What was there before keeps its mode. Folders: `make-folder.ts`.
import { closeSync, openSync } from "node:fs";

/** The mode of files. */
export const PRIVATE_FILE = 0o600;
/** The mode of folders. */
export const PRIVATE_FOLDER = 0o700;

/** For writing a file that must not be there: what somebody has put under its name, a symlink too, is not written to. */
export const NEW_PRIVATE_FILE = { flag: "wx", mode: PRIVATE_FILE } as const;

/** Makes an empty file where there is none. SQLite opens it as a new database, and gives its log and index the same mode. */
export function ensurePrivateFile(path: string): void {
  try {
    closeSync(openSync(path, NEW_PRIVATE_FILE.flag, PRIVATE_FILE));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}
