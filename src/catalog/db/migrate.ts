// Brings a catalog's tables up to date, one process at a time, and refuses one that is ahead of us.
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type Sqlite from "better-sqlite3";
import { ConfigError, TransientError } from "../../domain/errors.ts";
import { takeFileLock } from "./file-lock.ts";
import { drizzle, migrate } from "./orm.ts";

const FOLDER = fileURLToPath(new URL("../../../migrations", import.meta.url));

/** How long a process waits while another one migrates, in ms. */
const LOCK_TIMEOUT_MS = 120_000;

interface Journal {
  entries: { when: number; tag: string }[];
}

/** Applies what is missing and returns its names. Foreign keys must be off; they are checked afterwards. */
export function migrateCatalog(sqlite: Sqlite.Database, file: string): string[] {
  if (pending(sqlite, file).length === 0) return [];
  return locked(file, () => {
    const missing = pending(sqlite, file);
    if (missing.length === 0) return [];
    migrate(drizzle(sqlite), { migrationsFolder: FOLDER });
    checkForeignKeys(sqlite, file);
    return missing;
  });
}

/** The names of the migrations this catalog still lacks. */
function pending(sqlite: Sqlite.Database, file: string): string[] {
  const { entries } = JSON.parse(readFileSync(`${FOLDER}/meta/_journal.json`, "utf8")) as Journal;
  const newest = newestApplied(sqlite);
  if (newest > Math.max(...entries.map((entry) => entry.when))) {
    throw new ConfigError(`Cannot open the catalog "${file}": a newer asset-archiver has written it; update this one`, {
      code: "catalog_too_new",
    });
  }
  return entries.filter((entry) => entry.when > newest).map((entry) => entry.tag);
}

function newestApplied(sqlite: Sqlite.Database): number {
  const table = sqlite.prepare("select 1 from sqlite_master where name = '__drizzle_migrations'").get();
  if (table === undefined) return 0;
  const row = sqlite.prepare("select max(created_at) as newest from __drizzle_migrations").get() as {
    newest: number | null;
  };
  return Number(row.newest ?? 0);
}

// drizzle's migrate() takes no lock: of 32 processes that started together 11 crashed
function locked<T>(file: string, work: () => T): T {
  if (file === ":memory:") return work();
  const lock = takeFileLock(`${file}.migrating`, { waitMs: LOCK_TIMEOUT_MS });
  if (lock === undefined)
    throw new TransientError(`Cannot open the catalog "${file}" just now: another process still migrates it`, {
      code: "catalog_busy",
    });
  try {
    return work();
  } finally {
    lock.release();
  }
}

function checkForeignKeys(sqlite: Sqlite.Database, file: string): void {
  const broken = sqlite.pragma("foreign_key_check") as unknown[];
  if (broken.length === 0) return;
  throw new ConfigError(`Cannot migrate the catalog "${file}": ${broken.length} rows lost their parents`, {
    code: "catalog_broken",
  });
}

/** Whether there is a catalog at `file`. */
export function catalogExists(file: string): boolean {
  return existsSync(file);
}
