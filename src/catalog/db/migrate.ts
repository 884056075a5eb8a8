// Brings a catalog's tables up to date, one process at a time, and refuses one that is ahead of us.
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type Sqlite from "better-sqlite3";
import { VERSION } from "../../app/version.ts";
import { ConfigError, TransientError } from "../../domain/errors.ts";
import { formatDuration } from "../../domain/units.ts";
import { hostNameOf, isProcessAlive, type RecordedProcess } from "../calls/process-identity.ts";
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
    refuseBesideLiving(sqlite, file);
    migrate(drizzle(sqlite), { migrationsFolder: FOLDER });
    checkForeignKeys(sqlite, file);
    raiseMinVersion(sqlite);
    return missing;
  });
}

/** The names of the migrations this catalog still lacks. */
function pending(sqlite: Sqlite.Database, file: string): string[] {
  const { entries } = JSON.parse(readFileSync(`${FOLDER}/meta/_journal.json`, "utf8")) as Journal;
  const newest = newestApplied(sqlite);
  const min = minVersion(sqlite);
  if (newest > Math.max(...entries.map((entry) => entry.when)) || (min !== undefined && isOlder(VERSION, min))) {
    const wanted = min === undefined || !isOlder(VERSION, min) ? "a newer version" : `version ${min} or newer`;
    throw new ConfigError(
      `Cannot open the catalog "${file}": a newer asset-archiver has written it; this is version ${VERSION}, it requires ${wanted}: update this one`,
      { code: "catalog_too_new" },
    );
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

function hasTable(sqlite: Sqlite.Database, name: string): boolean {
  return sqlite.prepare("select 1 from sqlite_master where type = 'table' and name = ?").get(name) !== undefined;
}

/** The oldest program that may use this catalog, where it says so. */
function minVersion(sqlite: Sqlite.Database): string | undefined {
  if (!hasTable(sqlite, "installation")) return undefined;
  return sqlite.prepare<[], string>("select min_version from installation").pluck().get();
}

function raiseMinVersion(sqlite: Sqlite.Database): void {
  if (hasTable(sqlite, "installation")) sqlite.prepare("update installation set min_version = ?").run(VERSION);
}

/** Whether `a` is an older version than `b`; of what is no version nothing is said. */
function isOlder(a: string, b: string): boolean {
  const numbers = (version: string) => version.split(/[.+-]/, 3).map(Number);
  const [ours, theirs] = [numbers(a), numbers(b)];
  const at = ours.findIndex((number, index) => number !== theirs[index]);
  return at >= 0 && (ours[at] ?? 0) < (theirs[at] ?? 0);
}

interface ProcessRow extends RecordedProcess {
  version?: string;
  role?: string;
}

const SHOWN_PROCESSES = 5;

// What has the catalog open with the older tables would fail in recording what it has paid for. Read by hand: the table
// has the form that the older version gave it.
function refuseBesideLiving(sqlite: Sqlite.Database, file: string): void {
  if (!hasTable(sqlite, "workers")) return;
  const now = Date.now();
  const living = sqlite
    .prepare<[], ProcessRow>("select * from workers")
    .all()
    .filter((row) => isProcessAlive(row, now));
  if (living.length === 0) return;
  const shown = living.slice(0, SHOWN_PROCESSES).map((row) => describeProcess(row, now));
  const more = living.length > SHOWN_PROCESSES ? `, and ${living.length - SHOWN_PROCESSES} more` : "";
  throw new ConfigError(
    `Cannot migrate the catalog "${file}" to version ${VERSION}: an older version is using it: ${shown.join(", ")}${more}; stop it first, then start again`,
    { code: "catalog_in_use" },
  );
}

function describeProcess({ host, pid, seen_at, version = "", role = "worker" }: ProcessRow, now: number): string {
  const named = version === "" ? "of an older version" : `version ${version}`;
  return `${role} ${named} on host ${hostNameOf(host)} (pid ${pid}, last seen ${formatDuration(Math.max(0, now - seen_at))} ago)`;
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
