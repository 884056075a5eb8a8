// What was answered from the catalog is counted from the rows that were: the plans that SQLite makes of the real queries.
import { expect, onTestFinished, test, vi } from "vitest";
import { batchStatsOf } from "../../src/catalog/batches/stats.ts";
import { createLedger } from "../../src/catalog/calls/ledger.ts";
import type { CatalogContext } from "../../src/catalog/context.ts";
import { type Database, openDatabase } from "../../src/catalog/db/database.ts";
import { createReader } from "../../src/catalog/requests/reader.ts";

function open(): { database: Database; parts: CatalogContext } {
  const database = openDatabase(":memory:");
  onTestFinished(() => database.close());
  const { db } = database;
  const facts = { now: Date.now, workerId: "w", maxUnarchivedImages: 1, mirrored: false, isWorkerAlive: () => true };
  return { database, parts: { db, reader: createReader(db), ...facts } };
}

/** How SQLite goes about the queries over reused requests that `ask` asks. */
function plansOf({ sqlite }: Database, ask: () => unknown): string[][] {
  const prepare = vi.spyOn(sqlite, "prepare");
  ask();
  const queries = prepare.mock.calls.map(([query]) => query).filter((query) => query.includes("reused_from"));
  prepare.mockRestore();
  return queries.map((query) => {
    const values = Array.from(query.matchAll(/\?/g), () => 1);
    const steps = sqlite.prepare<number[], { detail: string }>(`explain query plan ${query}`).all(...values);
    return steps.map(({ detail }) => detail).filter((detail) => /^(SCAN|SEARCH)/.test(detail));
  });
}

test("the figures of a batch read the reused requests of that batch alone", () => {
  const { database, parts } = open();
  const plans = plansOf(database, () => batchStatsOf(parts, "b"));
  expect(plans).toEqual([["SEARCH requests USING INDEX requests_reused (batch_id=?)"]]);
});

test.each([{}, { since: 1 }, { since: 1, until: 2 }, { collection: "c" }, { since: 1, until: 2, collection: "c" }])(
  "the ledger of %j reads the reused requests and their images alone",
  (filter) => {
    const { database, parts } = open();
    const [plan, ...others] = plansOf(database, () => createLedger(parts, async (work) => work()).reused(filter));
    expect(others).toEqual([]);
    expect(plan).toEqual([
      "SCAN requests USING INDEX requests_reused",
      expect.stringMatching(/^SEARCH images USING INDEX sqlite_autoindex_images_1 \(request_id=\?/),
    ]);
  },
);
