// The state of a catalog's file, found out without changing a row: can it be opened and written, is it whole.
import { openDatabase } from "../db/database.ts";
import { catalogExists } from "../db/migrate.ts";
import { toCatalogError } from "../db/sqlite-errors.ts";

export interface CatalogHealth {
  /** Migrations that this look applied, as every opening does. */
  migrated: string[];
  /** What SQLite finds wrong with the file; empty when nothing. */
  faults: string[];
  /** Whether every commit waits for the disk. */
  synchronousFull: boolean;
  journalMode: string;
}

/** Looks at the catalog, or undefined where there is none yet. Throws ConfigError or TransientError where it cannot be used. */
export function inspectCatalog(file: string): CatalogHealth | undefined {
  if (!catalogExists(file)) return undefined;
  const { sqlite, migrated, close } = openDatabase(file);
  try {
    // taking the write lock and giving it back: the file is not just readable
    sqlite.exec("begin immediate; rollback");
    const rows = sqlite.pragma("quick_check(20)") as { quick_check: string }[];
    return {
      migrated,
      faults: rows.map((row) => row.quick_check).filter((line) => line !== "ok"),
      synchronousFull: Number(sqlite.pragma("synchronous", { simple: true })) >= 2,
      journalMode: String(sqlite.pragma("journal_mode", { simple: true })),
    };
  } catch (error) {
    throw toCatalogError(error, file);
  } finally {
    close();
  }
}
