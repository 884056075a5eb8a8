// Asking for the second copies of a large catalog: others write meanwhile, and what was asked for outlives an end in between.
import { join } from "node:path";
import Sqlite from "better-sqlite3";
import { expect, onTestFinished, test } from "vitest";
import type { OpenCatalog } from "../../../src/catalog/catalog.ts";
import { accept, archiveWhole, multiplyRow, openTestCatalog, testFolder } from "../support.ts";

const MANY = 1_200;

/** A catalog with so many archived requests, and another connection that waits for nobody. */
async function openLarge(): Promise<{ catalog: OpenCatalog; other: Sqlite.Database }> {
  const file = join(testFolder(), "catalog.db");
  const catalog = await openTestCatalog({ file, mirrored: false });
  await accept(catalog, "r0");
  await archiveWhole(catalog, "r0");
  const other = new Sqlite(file, { timeout: 0 });
  onTestFinished(() => void other.close());
  multiplyRow(other, {
    times: MANY,
    table: "assets",
    key: "digest",
    as: "printf('%064x', i)",
    also: { key: "'images/' || i" },
  });
  multiplyRow(other, { times: MANY, table: "requests", key: "request_id", as: "'r' || i" });
  return { catalog, other };
}

const countJobs = (sqlite: Sqlite.Database) =>
  sqlite.prepare("select count(*) from mirror_jobs").pluck().get() as number;

test("another connection commits while copies are asked for", async () => {
  const { catalog, other } = await openLarge();
  const jobs: number[] = [];
  const wanted = await catalog.integrity.queueAllMirrors({
    onProgress: () => {
      // throws at once where the lock is held
      other.exec("update requests set note = 'meanwhile' where request_id = 'r1'");
      jobs.push(countJobs(other));
    },
  });
  expect(wanted).toBe(2 * MANY);
  expect(jobs.length).toBeGreaterThanOrEqual(6);
  expect(jobs[0]).toBeGreaterThan(0);
  expect(jobs[0]).toBeLessThan(MANY);
  expect(jobs).toEqual(jobs.toSorted((a, b) => a - b));
});

test("cut short, it keeps what it has asked for, and goes on when it runs again", async () => {
  const { catalog, other } = await openLarge();
  const stop = new AbortController();
  await catalog.integrity.queueAllMirrors({ signal: stop.signal, onProgress: () => stop.abort() });
  const kept = countJobs(other);
  expect(kept).toBeGreaterThan(0);
  expect(kept).toBeLessThan(MANY);
  expect(await catalog.integrity.queueAllMirrors()).toBe(2 * MANY);
});

test("everything that waits is due at once, however much it is", async () => {
  const { catalog, other } = await openLarge();
  await catalog.integrity.queueAllMirrors();
  other.exec("update mirror_jobs set tries = 3, next_at = 9000000000000");
  expect(await catalog.integrity.claimMirrorJobs(1)).toEqual([]);
  await catalog.integrity.queueAllMirrors();
  expect(await catalog.integrity.claimMirrorJobs(10 * MANY)).toHaveLength(2 * MANY);
});
