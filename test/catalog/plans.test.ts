// How SQLite goes about what every request passes through: each statement prepared once, and none that grows with the catalog.
import { join } from "node:path";
import Sqlite from "better-sqlite3";
import { expect, onTestFinished, test } from "vitest";
import type { OpenCatalog } from "../../src/catalog/catalog.ts";
import { accept, answer, asset, openTestCatalog, reserve, testFolder } from "./support.ts";

/** The statements that are prepared from now on, on any connection. */
function watchStatements(): string[] {
  const texts: string[] = [];
  const { prepare } = Sqlite.prototype;
  onTestFinished(() => void Object.assign(Sqlite.prototype, { prepare }));
  Sqlite.prototype.prepare = function (this: Sqlite.Database, text: string) {
    texts.push(text);
    return prepare.call(this, text);
  } as typeof prepare;
  return texts;
}

/** All that a request with its own seed goes through, from its acceptance to its sidecar. */
async function live(
  catalog: OpenCatalog,
  id: string,
  { seed, letter }: { seed: number; letter: string },
): Promise<void> {
  await accept(catalog, id, { seed });
  await catalog.settleDeadCalls(id);
  await catalog.reuse(id);
  await catalog.holdOf(id, 1);
  await catalog.countUnarchivedImages();
  const call = await reserve(catalog, id, { n: 1, seed });
  await catalog.answerCall(call, answer([0]));
  await catalog.recordSpoolFile({ request_id: id, index: 0 }, `${id}.1.0`);
  await catalog.recordAsset({ request_id: id, index: 0 }, asset(letter));
  expect(await catalog.finish(id, { state: "archived" })).toBe(true);
  await catalog.markSidecarWritten(id);
  await catalog.find(id);
}

test("the second request finds every statement prepared", async () => {
  const catalog = await openTestCatalog();
  const texts = watchStatements();
  await live(catalog, "first", { seed: 1, letter: "a" });
  expect(texts.length).toBeGreaterThan(10);
  texts.length = 0;
  await live(catalog, "second", { seed: 2, letter: "b" });
  expect(texts).toEqual([]);
});

test("no statement makes SQLite plan anew for each value", async () => {
  const catalog = await openTestCatalog();
  const texts = watchStatements();
  await live(catalog, "first", { seed: 1, letter: "a" });
  // see isGiven in src/catalog/db/prepared.ts
  expect(texts.filter((text) => /limit \?/.test(text))).toEqual([]);
  expect(texts.filter((text) => /order by|distinct|max\(/.test(text) && /[^<>]= \?/.test(text))).toEqual([]);
  expect(texts.filter((text) => /state" = \?/.test(text.replace(/ set .* where /, " where ")))).toEqual([]);
});

test("no statement reads more, the more is archived", async () => {
  const file = join(testFolder(), "catalog.db");
  const catalog = await openTestCatalog({ file });
  const texts = watchStatements();
  await live(catalog, "first", { seed: 1, letter: "a" });
  catalog.browse.findDuplicateContent("hash", 0);
  catalog.edits.listStaleSidecars();
  lookAround(catalog);
  askOfOne(catalog, "a".repeat(64));
  const read = texts
    .filter((text) => /^\s*(select|update|insert|delete)/i.test(text))
    .map((text) => text.replace(/@\w+/g, "?"));
  const plans = new Sqlite(file);
  onTestFinished(() => void plans.close());
  expect(read.length).toBeGreaterThan(15);
  for (const text of read) {
    const values = Array.from(text.matchAll(/\?/g), () => null);
    const steps = plans.prepare(`explain query plan ${text}`).all(...values) as { detail: string }[];
    const long = steps.map(({ detail }) => detail).filter((detail) => isLong(detail, text));
    expect(long, text).toEqual([]);
  }
});

/** What a worker and a server ask again and again, whether there is work or not. */
function lookAround(catalog: OpenCatalog): void {
  for (const _ of catalog.listUnfinished());
  for (const _ of catalog.listMissingSidecars());
  for (const _ of catalog.listPendingWebhooks());
  catalog.batches.listOpen();
  catalog.growth.archivedSince({ archived_at: 1, request_id: "" });
  catalog.growth.assetsSince(1);
  catalog.growth.reusedSince(1);
  catalog.secondsToNearestLoss();
  catalog.isSpoolFileDone("first.1.0");
  catalog.reproductions.listDue();
  catalog.edits.listDueForErasure();
  catalog.integrity.listWithoutThumbnail({ until: 1, limit: 8 });
}

/** What is asked of one digest or one recipe. */
function askOfOne(catalog: OpenCatalog, key: string): void {
  catalog.getManifestStatus([{ request_id: "first", recipe_id: key }]);
  catalog.browse.imagesOf(key, 1);
  catalog.integrity.requestsWithSidecar([key]);
  catalog.integrity.liveUrls(key);
  catalog.similar.at([1]);
  catalog.search({ recipe: key });
  catalog.search({ digest: key });
}

/** A table from end to end, or all requests of a state of which there are many. */
function isLong(detail: string, text: string): boolean {
  // the indexes of those whose sidecar is to follow, and of images on their way: few, most of the time
  if (/(requests_to_seal|images_unarchived)$/.test(detail)) return false;
  if (/^SCAN (requests|calls|generations|images|assets|[rcia])\b/.test(detail)) return true;
  return /requests_by_state \(state=\?\)/.test(detail) && !text.includes("state = 'copying'");
}
