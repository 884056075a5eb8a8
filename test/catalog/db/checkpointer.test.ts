// The checkpointer: what is committed comes into the file beside those who commit, and nobody has to wait for it.
import { statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Sqlite from "better-sqlite3";
import { expect, onTestFinished, test, vi } from "vitest";
import { type Checkpointer, startCheckpointer } from "../../../src/catalog/db/checkpointer.ts";
import { type Database, openDatabase } from "../../../src/catalog/db/database.ts";
import { testFolder } from "../support.ts";

const AT_ONCE = { afterMs: 0 };
/** As long as a busy machine may take. */
const SOON = { timeout: 20_000, interval: 20 };

function openFile(): Database {
  const database = openDatabase(join(testFolder(), "catalog.db"));
  onTestFinished(() => database.close());
  database.sqlite.exec("create table ballast (content blob)");
  return database;
}

function start(file: string): Checkpointer {
  const checkpointer = startCheckpointer(file, AT_ONCE);
  onTestFinished(() => checkpointer.close());
  return checkpointer;
}

/** Commits `pages` pages to the log, about. */
function fill({ sqlite }: Database, pages: number): void {
  sqlite.prepare("insert into ballast values (randomblob(?))").run(pages * 4_096);
}

/** Pages in the log, and how many of them are in the file as well. */
function logOf({ sqlite }: Database): { log: number; checkpointed: number } {
  const [state] = sqlite.pragma("wal_checkpoint(NOOP)") as { log: number; checkpointed: number }[];
  return state ?? { log: -1, checkpointed: -1 };
}

test("what is committed comes into the file without any further commit", async () => {
  const database = openFile();
  fill(database, 2_000);
  expect(logOf(database).checkpointed).toBe(0);
  start(database.file);
  await vi.waitFor(() => expect(logOf(database).checkpointed).toBeGreaterThanOrEqual(2_000), SOON);
});

test("it leaves what somebody still reads, and moves it when they are done", async () => {
  const database = openFile();
  const reader = new Sqlite(database.file);
  onTestFinished(() => void reader.close());
  reader.exec("begin");
  reader.prepare("select count(*) from ballast").get();
  const { log } = logOf(database);
  fill(database, 2_000);
  start(database.file);
  fill(database, 2_000);
  // it may come as far as the reader sees, and no further
  await vi.waitFor(() => expect(logOf(database).checkpointed).toBe(log), SOON);
  reader.exec("commit");
  await vi.waitFor(() => expect(logOf(database).checkpointed).toBeGreaterThanOrEqual(4_000), SOON);
});

test("the thread does not keep the log from beginning anew under one who commits all the time", () => {
  const database = openFile();
  start(database.file);
  let longest = 0;
  for (let commit = 0; commit < 300; commit++) {
    fill(database, 100);
    longest = Math.max(longest, statSync(`${database.file}-wal`).size);
  }
  // 30,000 pages were written; the longer the thread has to wait for a core, the longer the log
  expect(longest / 4_096).toBeLessThan(20_000);
});

test.each(["not a database", "no folder"])("a file that cannot be opened ends nobody: %s", async (kind) => {
  const file = join(testFolder(), ...(kind === "no folder" ? ["none"] : []), "catalog.db");
  if (kind === "not a database") writeFileSync(file, "x".repeat(8_192));
  // it looks at least once before it hears of its end; what it would throw there, nobody catches
  await startCheckpointer(file, AT_ONCE).close();
});

test("it ends when it is closed, and twice is as good as once", async () => {
  const checkpointer = startCheckpointer(openFile().file, AT_ONCE);
  await checkpointer.close();
  await checkpointer.close();
});
