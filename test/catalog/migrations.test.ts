// What an older version has written is there after it was brought up to date.
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Sqlite from "better-sqlite3";
import { expect, onTestFinished, test } from "vitest";
import { thisProcess } from "../../src/catalog/calls/process-identity.ts";
import { openDatabase } from "../../src/catalog/db/database.ts";
import { drizzle, migrate } from "../../src/catalog/db/orm.ts";
import { registerSearchFunctions } from "../../src/catalog/search/functions.ts";
import { openTestCatalog, testFolder } from "./support.ts";

/** A catalog file as the version wrote it whose newest migration is this one. */
function openOld(tag: string): { file: string; sqlite: Sqlite.Database } {
  const folder = testFolder();
  const migrationsFolder = join(folder, "migrations");
  cpSync("migrations", migrationsFolder, { recursive: true });
  const journal = join(migrationsFolder, "meta/_journal.json");
  const { entries, ...rest } = JSON.parse(readFileSync(journal, "utf8")) as { entries: { tag: string }[] };
  const upTo = entries.findIndex((entry) => entry.tag === tag) + 1;
  expect(upTo).toBeGreaterThan(0);
  writeFileSync(journal, JSON.stringify({ ...rest, entries: entries.slice(0, upTo) }));
  const file = join(folder, "catalog.db");
  const sqlite = new Sqlite(file);
  onTestFinished(() => void sqlite.close());
  registerSearchFunctions(sqlite);
  migrate(drizzle(sqlite), { migrationsFolder });
  return { file, sqlite };
}

const TIMES = { created_at: 1_000, updated_at: 2_000 };

/** Writes a request with the columns that it must have, and others. */
function addRequest(sqlite: Sqlite.Database, request_id: string, more: Record<string, unknown> = {}): void {
  const row: Record<string, unknown> = {
    ...{ request_id, state: "queued", recipe_id: "a".repeat(64), prompt: `A fox, number ${request_id}` },
    ...{ seed_given: 1, response_format: "url", collection: "animals", tags: "[]", metadata: "{}", reuse: 1 },
    ...{ content_hash: "b".repeat(64), job_id: `req-${request_id}`, ...TIMES, ...more },
  };
  const names = Object.keys(row);
  sqlite
    .prepare(`insert into requests (${names.join(", ")}) values (${names.map((name) => `@${name}`).join(", ")})`)
    .run(row);
}

test("requests keep everything, and their numbers, when these move into their own rows", async () => {
  const { file, sqlite } = openOld("0012_reused");
  for (const id of ["z", "b", "a", "gone"]) addRequest(sqlite, id, { note: `of ${id}`, batch_id: "night", n: 2 });
  sqlite.exec("update search_docs set doc = doc + 10 where request_id <> 'z'");
  sqlite.exec(`delete from requests where request_id = 'gone';
    insert into calls (request_id, number, state, n, seed, worker_id, sent_at) values ('b', 1, 'sent', 1, 7, 'w', 5);
    insert into request_texts (rowid, prompt, negative_prompt, characters, facets)
      select doc, 'fox', '', '', 'collectionanimals' from search_docs`);
  // none has no number, but a row must not be lost if it does
  addRequest(sqlite, "unnumbered");
  sqlite.exec("delete from search_docs where request_id = 'unnumbered'");
  const before = sqlite.prepare("select * from requests order by request_id").all();
  sqlite.close();

  const database = openDatabase(file);
  onTestFinished(() => database.close());
  const after = database.sqlite.prepare("select * from requests order by request_id").all() as {
    row_number: number;
    manifest_line: null;
  }[];
  expect(after.map(({ row_number: _, manifest_line: __, ...row }) => row)).toEqual(before);
  const numbers = database.sqlite.prepare("select request_id from requests order by row_number").pluck().all();
  expect(numbers).toEqual(["z", "b", "a", "unnumbered"]);
  expect(database.sqlite.prepare("select row_number from requests where request_id = 'b'").pluck().get()).toBe(12);
  for (const check of ["integrity_check", "foreign_key_check"])
    expect(database.sqlite.pragma(check)).toEqual(check === "integrity_check" ? [{ integrity_check: "ok" }] : []);
});

test("what was indexed before is found, and follows what becomes of the request", async () => {
  const { file, sqlite } = openOld("0012_reused");
  for (const id of ["a", "b"]) addRequest(sqlite, id);
  sqlite.exec(`insert into request_texts (rowid, prompt, negative_prompt, characters, facets)
    select d.doc, search_words(r.prompt), '', '', '' from search_docs d join requests r using (request_id)`);
  sqlite.close();

  const catalog = await openTestCatalog({ file });
  const foundBy = (collection?: string) =>
    catalog.search({ text: "fox", collection }).items.map(({ request }) => request.request_id);
  expect(foundBy()).toEqual(["b", "a"]);
  const writing = openDatabase(file);
  onTestFinished(() => writing.close());
  writing.sqlite.exec("update requests set collection = 'others' where request_id = 'a'");
  expect(foundBy("others")).toEqual(["a"]);
  writing.sqlite.exec("delete from requests where request_id = 'b'");
  expect(foundBy()).toEqual(["a"]);
  addRequest(writing.sqlite, "c");
  expect(foundBy()).toEqual(["c", "a"]);
});

test("images keep everything when they are tied to their assets by number", async () => {
  const { file, sqlite } = openOld("0014_short_recipe_index");
  const digests = ["a", "b", "c"].map((letter) => letter.repeat(64));
  for (const id of ["one", "two", "three"]) addRequest(sqlite, id);
  const addAsset = sqlite.prepare(
    "insert into assets (digest, key, bytes, content_type, width, height, archived_at) values (?, ?, 7, 'image/png', 1, 2, 3)",
  );
  for (const digest of digests) addAsset.run(digest, `images/${digest}.png`);
  // a gap in the numbers, as there may be
  sqlite.prepare("delete from assets where digest = ?").run(digests[1]);
  sqlite.exec(
    "update assets set fault = 'missing', phash = '00', thumbnail = 'stored', mirrored_at = 4 where rowid = 3",
  );
  const addImage = sqlite.prepare(
    "insert into images (request_id, image_index, url, digest, archived_at) values (?, ?, ?, ?, ?)",
  );
  addImage.run("one", 0, "http://a", digests[2], 5);
  addImage.run("one", 1, "http://b", null, null);
  addImage.run("two", 0, null, digests[2], 6);
  addImage.run("three", 0, null, digests[0], 7);
  const rows = (of: Sqlite.Database, table: string) =>
    of.prepare<[], Record<string, unknown>>(`select rowid as row, * from ${table} order by rowid`).all();
  const before = ["assets", "images"].map((table) => rows(sqlite, table));
  sqlite.close();

  const database = openDatabase(file);
  onTestFinished(() => database.close());
  const after = [
    rows(database.sqlite, "assets").map(({ asset_id: _, ...row }) => row),
    rows(database.sqlite, "images").map(({ asset_id: _, ...row }) => row),
  ];
  expect(after).toEqual(before);
  expect(database.sqlite.prepare("select asset_id from images order by rowid").pluck().all()).toEqual([3, null, 3, 1]);
  expect(database.sqlite.prepare("select asset_id from assets order by asset_id").pluck().all()).toEqual([1, 3]);
  const catalog = await openTestCatalog({ file });
  const tied = catalog.browse.imagesOf(digests[2] ?? "", 9).map(({ request_id }) => request_id);
  expect(tied).toEqual(["one", "two"]);
  for (const check of ["integrity_check", "foreign_key_check"])
    expect(database.sqlite.pragma(check)).toEqual(check === "integrity_check" ? [{ integrity_check: "ok" }] : []);
});

test("no migration begins beside a process of an older version that uses the catalog, which is named", () => {
  const { file, sqlite } = openOld("0015_images_by_place");
  const { host, pid, pid_started } = thisProcess();
  sqlite
    .prepare("insert into workers (worker_id, host, pid, pid_started, started_at, seen_at) values ('w', ?, ?, ?, ?, ?)")
    .run(host, pid, pid_started, Date.now(), Date.now());
  expect(() => openDatabase(file)).toThrow(
    expect.objectContaining({ code: "catalog_in_use", message: expect.stringContaining(`(pid ${pid}, last seen`) }),
  );
  expect(sqlite.prepare("select 1 from sqlite_master where name = 'installation'").get()).toBeUndefined();
  sqlite.prepare("update workers set pid_started = 'another'").run();
  openDatabase(file).close();
});

test("its version and host are said where it has recorded them", () => {
  const { file, sqlite } = openOld("0016_worker_version_and_stop");
  sqlite
    .prepare(
      "insert into workers (worker_id, host, pid, pid_started, started_at, seen_at, version) values ('w', 'far/boot/ns', 7, '', ?, ?, '0.0.9')",
    )
    .run(Date.now(), Date.now());
  expect(() => openDatabase(file)).toThrow(/worker version 0\.0\.9 on host far \(pid 7/);
  sqlite.prepare("update workers set stopped_at = 1").run();
  openDatabase(file).close();
});

test("a catalog that requires a newer program is refused, and says which", () => {
  const { file } = openOld("0000_the_ground");
  const { sqlite, close } = openDatabase(file);
  sqlite.exec("insert into installation values (1, 'id', 1, '999.1.0')");
  close();
  expect(() => openDatabase(file)).toThrow(
    expect.objectContaining({
      code: "catalog_too_new",
      message: expect.stringContaining("requires version 999.1.0 or newer"),
    }),
  );
});
