// What the report of a batch tells of its items, many stretches of them: the same as one look at all rows would.
import { join } from "node:path";
import Sqlite from "better-sqlite3";
import { expect, test } from "vitest";
import type { OpenCatalog } from "../../../src/catalog/catalog.ts";
import { newBatch } from "../../batches/run/support.ts";
import { accept, archiveWhole, openTestCatalog, request, testFolder } from "../support.ts";

const MANY = 2_403;
const ERROR = (code: string) => ({ code, message: `because of ${code}` });
const idOf = (index: number) => `r-${String(index).padStart(5, "0")}`;

/** A third of the items is archived, the others failed, a few of them for a reason of their own. */
async function openLarge(): Promise<{ catalog: OpenCatalog; file: string }> {
  const file = join(testFolder(), "catalog.db");
  const catalog = await openTestCatalog({ file });
  await catalog.batches.start(newBatch("b", { items: MANY }));
  // the other way round than in the manifest
  const items = Array.from({ length: MANY }, (_, at) => ({ request: request(idOf(at)), item: MANY - at }));
  await catalog.batches.acceptItems("b", items);
  const work = items.map(({ request: { request_id } }, at) => {
    if (at % 3 === 0) return archiveWhole(catalog, request_id, "abcdef"[at % 6]);
    const code = at % 400 === 1 ? "rare" : "common";
    return catalog.finish(request_id, { state: at % 2 === 0 ? "failed" : "cancelled", error: ERROR(code) });
  });
  await Promise.all(work);
  await accept(catalog, "of-nobody");
  await archiveWhole(catalog, "of-nobody");
  return { catalog, file };
}

test("a survey of many items tells what one look at all of them would", async () => {
  const { catalog, file } = await openLarge();
  const survey = await catalog.batches.statistics("b", { sheet: 7, ids: 3 });
  using sqlite = closing(new Sqlite(file, { readonly: true }));
  const rows = (text: string) => sqlite.db.prepare(text).all();
  expect([{ images: survey.images, bytes: survey.bytes }]).toEqual(
    rows(`select count(*) as images, sum(a.bytes) as bytes from requests r join images using (request_id)
      join assets a using (digest) where batch_id = 'b'`),
  );
  expect([survey.worked]).toEqual(
    rows(`select min(sent_at) as "from", max(ended_at) as "to" from calls where batch_id = 'b'`),
  );
  expect(survey.sheet.map(({ request_id, index }) => ({ request_id, index }))).toEqual(
    rows(`select request_id, image_index as "index" from requests join images using (request_id)
      where batch_id = 'b' order by batch_item limit 7`),
  );
  expect(survey.reasons.map(({ message: _, requests: __, ...reason }) => reason)).toEqual(
    rows(`select state, error_code as code, count(*) as number from requests where batch_id = 'b' and error_code is not null
      group by state, error_code order by number desc`),
  );
  const rare = survey.reasons
    .filter(({ code }) => code === "rare")
    .flatMap(({ requests }) => requests.map(({ request_id }) => request_id));
  expect(rare.toSorted()).toEqual([idOf(1), idOf(401), idOf(1_201)]);
  expect(survey.reasons.every(({ requests, message, code }) => requests.length <= 3 && message.endsWith(code))).toBe(
    true,
  );
  expect(survey.slowest).toHaveLength(5);
}, 60_000);

test("between two stretches everything else has its turn", async () => {
  const { catalog } = await openLarge();
  let ended = false;
  const survey = catalog.batches.statistics("b", { sheet: 1, ids: 1 }).finally(() => {
    ended = true;
  });
  let turns = 0;
  while (!ended) {
    await new Promise((resolve) => setImmediate(resolve));
    turns += 1;
  }
  await survey;
  // one for each state of items and calls, and more for those that fill a stretch
  expect(turns).toBeGreaterThanOrEqual(7 + 4 + 3);
}, 60_000);

test("a batch without items has nothing to tell", async () => {
  const catalog = await openTestCatalog();
  expect(await catalog.batches.statistics("none", { sheet: 1, ids: 1 })).toEqual({
    images: 0,
    bytes: 0,
    before: { items: 0, images: 0 },
    worked: { from: null, to: null },
    slowest: [],
    reasons: [],
    sheet: [],
  });
});

function closing(db: Sqlite.Database) {
  return { db, [Symbol.dispose]: () => void db.close() };
}
