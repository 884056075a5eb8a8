// A lock that one process at a time holds, on a file beside the catalog: an exclusive transaction on an empty database. The
// kernel gives it back when its holder dies, so nothing has to be believed, renewed or taken over.
import Sqlite from "better-sqlite3";

/** Held until it is released. */
export interface FileLock {
  release(): void;
}

/** Takes the lock at `path`; undefined where somebody else holds it for all of `waitMs`, for which the thread stands still. */
export function takeFileLock(path: string, { waitMs }: { waitMs: number }): FileLock | undefined {
  const lock = new Sqlite(path, { timeout: waitMs });
  try {
    lock.exec("begin exclusive");
    return { release: () => lock.close() };
  } catch (error) {
    lock.close();
    if ((error as { code?: string }).code === "SQLITE_BUSY") return undefined;
    throw error;
  }
}
