// Opens the catalog's file: one connection with the settings on which durability stands.
import { dirname } from "node:path";
import Sqlite from "better-sqlite3";
import type { BetterSQLite3Database } from "drizzle-orm/better-sqlite3";
import { ConfigError } from "../../domain/errors.ts";
import { makeFolderSync } from "../../storage/make-folder.ts";
import { ensurePrivateFile } from "../../storage/private-files.ts";
import * as schema from "../schema/requests.ts";
import { registerSearchFunctions } from "../search/functions.ts";
import { catalogExists, migrateCatalog } from "./migrate.ts";
import { drizzle } from "./orm.ts";
import { toCatalogError } from "./sqlite-errors.ts";

/**
 * The commit that makes the log longer than this moves what is left of it into the file, and the log begins anew. In pages
 * of 4 KiB. Most of it is moved before by the checkpointer, where there is one.
 */
const LOG_PAGES = 8_000;

/** drizzle over the connection, and the connection itself. */
export type Db = BetterSQLite3Database<typeof schema> & { $client: Sqlite.Database };

/** An open catalog file. Whoever opened it closes it. */
export interface Database {
  file: string;
  sqlite: Sqlite.Database;
  db: Db;
  /** Names of the migrations that were applied by this opening. */
  migrated: string[];
  close(): void;
}

/** How long a statement waits for another process's transaction, in ms. Ours last milliseconds; a checkpoint may take longer. */
const BUSY_TIMEOUT_MS = 10_000;

/**
 * Opens `file` and brings its tables up to date. Where there is none it is made, or with `create: false` a ConfigError
 * `catalog_missing`. Throws ConfigError or TransientError.
 */
export function openDatabase(file: string, { create = true }: { create?: boolean } = {}): Database {
  if (!create && !catalogExists(file))
    throw new ConfigError(`There is no catalog at "${file}"`, {
      code: "catalog_missing",
      faults: [{ field: "CATALOG_URL", message: "there is no catalog" }],
    });
  try {
    if (file !== ":memory:") makePlace(file);
    return prepare(new Sqlite(file, { timeout: BUSY_TIMEOUT_MS }), file);
  } catch (error) {
    throw toCatalogError(asSqliteError(error), file);
  }
}

function makePlace(file: string): void {
  makeFolderSync(dirname(file));
  ensurePrivateFile(file);
}

function prepare(sqlite: Sqlite.Database, file: string): Database {
  try {
    setPragmas(sqlite);
    registerSearchFunctions(sqlite);
    const migrated = migrateCatalog(sqlite, file);
    sqlite.pragma("foreign_keys = ON");
    // what is kept of a page while a statement may still fail; in a file it is twenty writes to the system for each row.
    // Not while migrating: sorting for a new index of millions belongs on the disk
    sqlite.pragma("temp_store = MEMORY");
    return { file, sqlite, db: drizzle(sqlite, { schema }), migrated, close: () => sqlite.close() };
  } catch (error) {
    sqlite.close();
    throw error;
  }
}

function setPragmas(sqlite: Sqlite.Database): void {
  switchToWal(sqlite);
  // WAL's default of NORMAL may lose the last commits in a power cut: a paid answer among them
  sqlite.pragma("synchronous = FULL");
  sqlite.pragma(`wal_autocheckpoint = ${LOG_PAGES}`);
  // off while migrating: a table that is rebuilt must not take its children's rows along (drizzle-orm#5782)
  sqlite.pragma("foreign_keys = OFF");
}

/** Between two tries, in ms. */
const PAUSE_MS = 10;

// The switch wants the file for itself and does not wait for it: where another process is about to write a catalog that is
// just being made, SQLite says "locked" at once, whatever the timeout. On a file that is in WAL already there is nothing to switch.
function switchToWal(sqlite: Sqlite.Database): void {
  const deadline = Date.now() + BUSY_TIMEOUT_MS;
  for (;;) {
    try {
      sqlite.pragma("journal_mode = WAL");
      return;
    } catch (error) {
      if ((error as { code?: string }).code !== "SQLITE_BUSY" || Date.now() > deadline) throw error;
    }
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS);
  }
}

// better-sqlite3 throws a TypeError where the folder is missing, mkdir its own codes: to the operator it is one thing
function asSqliteError(error: unknown): unknown {
  const code = (error as { code?: string }).code ?? "";
  if (error instanceof TypeError || /^E[A-Z]+$/.test(code))
    return Object.assign(error as Error, { code: "SQLITE_CANTOPEN" });
  return error;
}
