// The file under the catalog: its settings, its migrations, several processes on it, and disks that say no.
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as after } from "node:timers/promises";
import Sqlite from "better-sqlite3";
import { expect, onTestFinished, test } from "vitest";
import { openCatalog } from "../../../src/catalog/catalog.ts";
import { openDatabase } from "../../../src/catalog/db/database.ts";
import { ConfigError } from "../../../src/domain/errors.ts";
import { PROCESSES_MS, startCatalogProcess } from "../processes.ts";
import { accept, found, openTestCatalog, testFolder } from "../support.ts";

const MIGRATIONS = JSON.parse(readFileSync("migrations/meta/_journal.json", "utf8")).entries as { when: number }[];

test("every connection is durable: WAL, synchronous FULL, foreign keys, a busy timeout", () => {
  const file = join(testFolder(), "catalog.db");
  for (const database of [openDatabase(file), openDatabase(file)]) {
    onTestFinished(() => database.close());
    const pragma = (name: string) => database.sqlite.pragma(name, { simple: true });
    expect(pragma("journal_mode")).toBe("wal");
    expect(pragma("synchronous")).toBe(2);
    expect(pragma("foreign_keys")).toBe(1);
    expect(pragma("busy_timeout")).toBeGreaterThanOrEqual(5_000);
    expect(pragma("foreign_key_check")).toBeUndefined();
    expect(pragma("integrity_check")).toBe("ok");
  }
});

test("a catalog is made where there is none, folders and all, and what it holds is there when it is opened again", async () => {
  const file = join(testFolder(), "a", "b", "catalog.db");
  const first = await openTestCatalog({ file });
  expect(first.migrated).toHaveLength(MIGRATIONS.length);
  await accept(first, "r");
  first.close();
  const second = await openTestCatalog({ file });
  expect(second.migrated).toEqual([]);
  expect((await found(second, "r")).request.state).toBe("queued");
});

test(
  "a new catalog that another process is about to write is waited for",
  async () => {
    const file = join(testFolder(), "catalog.db");
    const other = new Sqlite(file);
    onTestFinished(() => void other.close());
    other.exec("begin immediate");
    const process = await startCatalogProcess(file);
    const opened = process.ask("open");
    // long enough for an answer that would come at once
    expect(await Promise.race([opened, after(1_000, "waits")])).toBe("waits");
    other.exec("commit");
    expect(await opened).toBe(`migrated ${MIGRATIONS.length}`);
  },
  PROCESSES_MS,
);

test(
  "sixteen processes that start together migrate once, and all of them work",
  async () => {
    const file = join(testFolder(), "catalog.db");
    const processes = await Promise.all(Array.from({ length: 16 }, () => startCatalogProcess(file)));
    const answers = await Promise.all(processes.map((one) => one.ask("open")));
    expect(answers.filter((answer) => answer === `migrated ${MIGRATIONS.length}`)).toHaveLength(1);
    expect(answers.filter((answer) => answer === "migrated 0")).toHaveLength(15);
  },
  PROCESSES_MS,
);

test(
  "processes that write to one file at the same time all get their turn",
  async () => {
    const file = join(testFolder(), "catalog.db");
    const processes = await Promise.all(Array.from({ length: 3 }, () => startCatalogProcess(file)));
    for (const one of processes) await one.ask("open");
    const answers = await Promise.all(processes.map((one, index) => one.ask(`work p${index} 150`)));
    expect(answers).toEqual(["done", "done", "done"]);
    const catalog = await openTestCatalog({ file });
    expect(catalog.counts()).toMatchObject({ requests: { archived: 450 }, calls: { answered: 450 } });
  },
  PROCESSES_MS,
);

test(
  "a request that two processes accept at once is one, and is called by one",
  async () => {
    const file = join(testFolder(), "catalog.db");
    const processes = await Promise.all(Array.from({ length: 2 }, () => startCatalogProcess(file)));
    for (const one of processes) await one.ask("open");
    for (let round = 0; round < 20; round++) {
      const answers = await Promise.all(processes.map((one) => one.ask(`reserve r${round}`)));
      expect(answers.sort()).toEqual(["out", "reserved"]);
    }
  },
  PROCESSES_MS,
);

test("a catalog that a newer version has written is refused, and stays as it is", async () => {
  const file = join(testFolder(), "catalog.db");
  (await openTestCatalog({ file })).close();
  const sqlite = new Sqlite(file);
  sqlite.prepare("insert into __drizzle_migrations (hash, created_at) values ('future', 9999999999999)").run();
  sqlite.close();
  expect(() => openCatalog({ file })).toThrow(ConfigError);
  expect(() => openCatalog({ file })).toThrow(/newer asset-archiver/);
  const before = new Sqlite(file, { readonly: true });
  expect(before.prepare("select count(*) from __drizzle_migrations").pluck().get()).toBe(MIGRATIONS.length + 1);
  before.close();
});

/** What the system refuses is refused to root only by other means: this speaks as nobody in particular. */
function asOrdinaryUser<T>(work: () => T): T {
  if (process.getuid?.() !== 0) return work();
  process.seteuid?.(65_534);
  try {
    return work();
  } finally {
    process.seteuid?.(0);
  }
}

function failure(work: () => unknown): { name: string; code: string; message: string } | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    const { name, message } = error as Error;
    return { name, code: String((error as { code?: string }).code), message };
  }
}

test.each([
  ["a folder that may not be written", (folder: string) => join(folder, "catalog.db"), "catalog_unwritable"],
  ["a folder that cannot be made", (folder: string) => join(folder, "a", "catalog.db"), "catalog_unwritable"],
  ["a folder in the place of the file", (folder: string) => folder, "catalog_unwritable"],
])("%s is the operator's to mend", (_, fileIn, code) => {
  const folder = testFolder();
  chmodSync(folder, 0o555);
  const file = fileIn(folder);
  const failed = asOrdinaryUser(() => failure(() => openCatalog({ file })));
  chmodSync(folder, 0o755);
  expect(failed).toMatchObject({ name: "ConfigError", code });
  expect(failed?.message).toContain(file);
});

test("a file that may only be read is the operator's to mend, and loses nothing", async () => {
  const folder = testFolder();
  const file = join(folder, "catalog.db");
  const catalog = await openTestCatalog({ file });
  await accept(catalog, "r");
  catalog.close();
  chmodSync(file, 0o444);
  chmodSync(folder, 0o555);
  const failed = asOrdinaryUser(() => failure(() => openCatalog({ file })));
  chmodSync(folder, 0o755);
  chmodSync(file, 0o644);
  expect(failed).toMatchObject({ name: "ConfigError", code: "catalog_unwritable" });
  expect((await found(await openTestCatalog({ file }), "r")).request.state).toBe("queued");
});

test.each([
  ["text", "this is no database at all, but a letter to somebody"],
  ["half a database", "SQLite format 3\u0000garbage"],
])("a file that is %s is said to be broken, and is left alone", (_, content) => {
  const file = join(testFolder(), "catalog.db");
  writeFileSync(file, content.padEnd(4_096, "."));
  const failed = failure(() => openCatalog({ file }));
  expect(failed).toMatchObject({ name: "ConfigError", code: "catalog_broken" });
  expect(readFileSync(file, "utf8")).toBe(content.padEnd(4_096, "."));
});
