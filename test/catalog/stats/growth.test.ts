// Figures that only grow, read in steps: what the steps bring together is what is there.
import { join } from "node:path";
import Sqlite from "better-sqlite3";
import { expect, test } from "vitest";
import { accept, archiveWhole, openTestCatalog, testFolder } from "../support.ts";

const MANY = 20_050;
const BEGINNING = { archived_at: 0, request_id: "" };

test("a large catalog is read in several steps, none of which is counted twice", async () => {
  const file = join(testFolder(), "catalog.db");
  const { growth } = await openTestCatalog({ file });
  const sqlite = new Sqlite(file);
  sqlite.exec(`with recursive n(i) as (select 1 union all select i + 1 from n where i < ${MANY})
    insert into assets (digest, key, bytes, content_type, width, height, archived_at)
    select printf('%064x', i), 'k', 2, 'image/png', 1, 1, 1 from n where i % 100 <> 0 or i = ${MANY}`);
  sqlite.exec("delete from assets where rowid % 7 = 0");
  const { assets } = sqlite.prepare("select count(*) as assets from assets").get() as { assets: number };
  sqlite.exec(
    `insert into assets (digest, key, bytes, content_type, width, height, archived_at)
      select printf('%064x', 100000 + rowid), key, 3, content_type, width, height, archived_at from assets`,
  );
  sqlite.close();
  let place = 0;
  const steps = [];
  do {
    const step = growth.assetsSince(place);
    steps.push(step);
    place = step.place;
  } while (steps.at(-1)?.more);
  expect(steps.length).toBeGreaterThan(1);
  expect(steps.reduce((sum, step) => sum + step.assets, 0)).toBe(2 * assets);
  expect(steps.reduce((sum, step) => sum + step.bytes, 0)).toBe(5 * assets);
  expect(growth.assetsSince(place)).toEqual({ place, assets: 0, bytes: 0, more: false });
});

test("a request that is edited or deleted later was not archived just then", async () => {
  let now = 1_000_000;
  const catalog = await openTestCatalog({ clock: { now: () => now } });
  for (const id of ["kept", "edited", "deleted"]) {
    await accept(catalog, id);
    await archiveWhole(catalog, id);
  }
  now += 3_600_000;
  await catalog.edits.edit("edited", { note: "seen" });
  await catalog.edits.delete("deleted", now);
  now += 10_000;
  const latencies = catalog.growth
    .archivedSince(BEGINNING)
    .map(({ request_id, latency_ms }) => [request_id, latency_ms]);
  expect(latencies).toEqual([
    ["kept", 0],
    ["deleted", null],
    ["edited", null],
  ]);
});
