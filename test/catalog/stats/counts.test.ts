// What is where: of a small catalog always as it is, of a large one as it was a moment ago.
import { join } from "node:path";
import Sqlite from "better-sqlite3";
import { expect, onTestFinished, test } from "vitest";
import { accept, openTestCatalog, reserve, testFolder } from "../support.ts";

test("a small catalog is counted anew each time", async () => {
  const catalog = await openTestCatalog({ clock: { now: () => 1_000 } });
  expect(catalog.counts()).toMatchObject({ requests: { queued: 0 }, calls: { sent: 0 } });
  await accept(catalog, "a");
  expect(catalog.counts().requests.queued).toBe(1);
  await reserve(catalog, "a");
  expect(catalog.counts()).toMatchObject({ requests: { queued: 0, generating: 1 }, calls: { sent: 1 } });
});

test("a large one is counted anew when the last count has grown old", async () => {
  const file = join(testFolder(), "catalog.db");
  let now = 1_000;
  const catalog = await openTestCatalog({ file, clock: { now: () => now } });
  fill(file, 60_000);
  expect(catalog.counts().requests).toMatchObject({ queued: 0, cancelled: 60_000 });
  await accept(catalog, "a");
  // 10,000 requests too many: 50 ms
  now += 49;
  expect(catalog.counts().requests.queued).toBe(0);
  now += 1;
  expect(catalog.counts().requests.queued).toBe(1);
  // a clock that is put right
  await accept(catalog, "b");
  now -= 3_600_000;
  expect(catalog.counts().requests.queued).toBe(2);
});

function fill(file: string, count: number): void {
  const sqlite = new Sqlite(file);
  onTestFinished(() => void sqlite.close());
  sqlite
    .prepare(
      `with recursive numbers(number) as (select 1 union all select number + 1 from numbers where number < ?)
      insert into requests (request_id, state, recipe_id, seed_given, response_format, collection, tags, metadata, reuse,
        content_hash, job_id, created_at, updated_at)
      select 'r-' || number, 'cancelled', 'recipe', 0, 'url', 'default', '[]', '{}', 1, '', 'req-' || number, 1, 1 from numbers`,
    )
    .run(count);
}
