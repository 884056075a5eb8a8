import Sqlite from "better-sqlite3";
import { expect, onTestFinished, test } from "vitest";
import { createWriter } from "../../../src/catalog/db/writer.ts";
import { testFolder } from "../support.ts";

/** A table of numbers, unique, in a file that a second connection can look at. */
function open() {
  const file = `${testFolder()}/w.db`;
  const sqlite = new Sqlite(file);
  sqlite.pragma("journal_mode = WAL");
  sqlite.exec("create table numbers (n integer primary key, text text) strict");
  const outside = new Sqlite(file);
  onTestFinished(() => {
    sqlite.close();
    outside.close();
  });
  const writer = createWriter(sqlite, file);
  const insert = (n: number, text = "") =>
    writer.write(() => sqlite.prepare("insert into numbers values (?, ?)").run(n, text));
  const seen = () => outside.prepare("select n from numbers order by rowid").pluck().all();
  return { sqlite, writer, insert, seen };
}

test("writes of one turn share a transaction, in the order in which they came, and all are told after the commit", async () => {
  const { writer, insert, seen, sqlite } = open();
  const order: number[] = [];
  const writes = [3, 1, 2].map((n) => insert(n).then(() => order.push(n)));
  const inside = writer.write(() => [sqlite.inTransaction, seen()]);
  expect(seen()).toEqual([]);
  expect(await inside).toEqual([true, []]);
  expect(seen()).toEqual([1, 2, 3]);
  await Promise.all(writes);
  expect(order).toEqual([3, 1, 2]);
});

test("a write that throws takes back its own rows and nobody else's", async () => {
  const { writer, insert, seen, sqlite } = open();
  const good = insert(1);
  const bad = writer.write(() => {
    sqlite.prepare("insert into numbers values (2, '')").run();
    throw new Error("changed my mind");
  });
  const twice = insert(1);
  const late = insert(3);
  await expect(bad).rejects.toThrow("changed my mind");
  await expect(twice).rejects.toMatchObject({ code: "SQLITE_CONSTRAINT_PRIMARYKEY" });
  await Promise.all([good, late]);
  expect(seen()).toEqual([1, 3]);
});

test("a write sees what the writes before it did", async () => {
  const { writer, insert, sqlite } = open();
  void insert(1);
  void insert(2);
  expect(await writer.write(() => sqlite.prepare("select count(*) from numbers").pluck().get())).toBe(2);
});

test("more writes than a group holds are all committed, in order", async () => {
  const { insert, seen } = open();
  await Promise.all(Array.from({ length: 1_111 }, (_, n) => insert(n)));
  expect(seen()).toEqual(Array.from({ length: 1_111 }, (_, n) => n));
});

test("a write that comes out of a write is done as well", async () => {
  const { insert, seen } = open();
  await insert(1).then(() => insert(2));
  expect(seen()).toEqual([1, 2]);
});

test("flush commits at once", async () => {
  const { writer, insert, seen } = open();
  const waiting = insert(1);
  writer.flush();
  expect(seen()).toEqual([1]);
  await waiting;
  writer.flush();
});

test("a disk that is full takes back the whole group, loses nothing before it, and goes on when there is room", async () => {
  const { insert, seen, sqlite } = open();
  await insert(1);
  const pages = sqlite.pragma("page_count", { simple: true }) as number;
  sqlite.pragma(`max_page_count = ${pages + 2}`);
  const group = [insert(2), insert(3, "x".repeat(100_000)), insert(4)];
  const ends = await Promise.allSettled(group);
  for (const end of ends) {
    expect(end).toMatchObject({ status: "rejected", reason: { name: "ConfigError", code: "catalog_unwritable" } });
  }
  expect(sqlite.inTransaction).toBe(false);
  expect(seen()).toEqual([1]);
  sqlite.pragma("max_page_count = 100000");
  await Promise.all([insert(2), insert(3, "x".repeat(100_000)), insert(4)]);
  expect(seen()).toEqual([1, 2, 3, 4]);
});

test("a lock that somebody else holds for too long is a passing trouble", async () => {
  const { insert, seen, sqlite } = open();
  sqlite.pragma("busy_timeout = 20");
  const other = new Sqlite(sqlite.name);
  other.exec("begin immediate");
  await expect(insert(1)).rejects.toMatchObject({ name: "TransientError", code: "catalog_busy" });
  other.exec("rollback");
  other.close();
  await insert(2);
  expect(seen()).toEqual([2]);
});

test("a large write has a transaction to itself, and keeps its place among the small ones", async () => {
  const { writer, insert, seen, sqlite } = open();
  const before = insert(1);
  const large = writer.write(
    () => {
      // what came before is committed already, what comes after has not begun
      const outside = seen();
      sqlite.prepare("insert into numbers values (2, 'large')").run();
      return outside;
    },
    { large: true },
  );
  const after = writer.write(() => seen());
  expect(await large).toEqual([1]);
  expect(await after).toEqual([1, 2]);
  await before;
});

test("a large write that throws takes back its own rows and nobody else's", async () => {
  const { writer, insert, seen, sqlite } = open();
  const good = insert(1);
  const bad = writer.write(
    () => {
      sqlite.prepare("insert into numbers values (2, '')").run();
      throw new Error("changed my mind");
    },
    { large: true },
  );
  const late = insert(3);
  await expect(bad).rejects.toThrow("changed my mind");
  await Promise.all([good, late]);
  expect(seen()).toEqual([1, 3]);
});
