// Leafing through a large catalog: the pages are those of a small one, whichever way SQLite goes.
import { join } from "node:path";
import Sqlite from "better-sqlite3";
import { expect, onTestFinished, test } from "vitest";
import { accept, multiplyRow, openTestCatalog, testFolder } from "../support.ts";

const MANY = 20_100;

test("pages of a state or a batch go on where the last one ended, whether few requests are in it or many", async () => {
  const file = join(testFolder(), "catalog.db");
  const catalog = await openTestCatalog({ file });
  await accept(catalog, "r0");
  const sqlite = new Sqlite(file);
  onTestFinished(() => void sqlite.close());
  // whose functions this connection lacks
  sqlite.exec("drop trigger requests_search_update");
  // some at the same ms
  multiplyRow(sqlite, {
    times: MANY,
    table: "requests",
    key: "request_id",
    as: "'r' || i",
    also: { created_at: "i / 3" },
  });
  sqlite.exec("update requests set state = 'cancelled' where rowid % 50 = 0");
  sqlite.exec("update requests set state = 'generating' where rowid % 3000 = 7");
  const idsOf = (filter: Parameters<typeof catalog.search>[0]) => {
    const first = catalog.search(filter, { limit: 4, sort: "newest" });
    const next =
      first.next === null ? { items: [] } : catalog.search(filter, { limit: 4, sort: "newest", cursor: first.next });
    return [...first.items, ...next.items].map(({ request }) => request.request_id);
  };
  const newest = (where: string) =>
    sqlite.prepare(`select request_id from requests where ${where} order by row_number desc limit 8`).pluck().all();
  expect(idsOf({ state: "cancelled" })).toEqual(newest("state = 'cancelled'"));
  expect(idsOf({ state: "generating" })).toEqual(newest("state = 'generating'"));
  sqlite.exec("update requests set state = 'queued', batch_id = 'b'");
  expect(idsOf({ state: "queued" })).toEqual(newest("true"));
  expect(idsOf({ batch: "b" })).toEqual(newest("true"));
  expect(idsOf({ state: "queued", batch: "other" })).toEqual([]);
});
