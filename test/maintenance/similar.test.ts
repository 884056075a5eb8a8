// What looks alike, on a real catalog: the nearest first, only what somebody still wants, and nothing left unsaid.
import { join } from "node:path";
import Sqlite from "better-sqlite3";
import { expect, test } from "vitest";
import { type OpenCatalog, openCatalog } from "../../src/catalog/catalog.ts";
import { hashDistance } from "../../src/image/perceptual-hash.ts";
import { findSimilar } from "../../src/maintenance/similar.ts";
import { accept, answer, asset, openTestCatalog, reserve, testFolder } from "../catalog/support.ts";

/** Archives an image under a digest made of one letter, with this hash. */
async function archive(catalog: OpenCatalog, letter: string, phash: string): Promise<void> {
  const id = `r-${letter}`;
  await accept(catalog, id, { prompt: `picture ${letter}` });
  await catalog.answerCall(await reserve(catalog, id), answer([0]));
  await catalog.recordAsset({ request_id: id, index: 0 }, { ...asset(letter), phash });
  await catalog.finish(id, { state: "archived" });
}

const LIKE = "f".repeat(16);

function find(catalog: OpenCatalog, { maxDistance = 10, limit = 20, like = [LIKE], except = "" } = {}) {
  const { found, ...rest } = findSimilar(catalog.similar, {
    like,
    maxDistance,
    limit,
    except: new Set(Array.from(except, (letter) => letter.repeat(64))),
  });
  return { ...rest, found: found.map(({ digest, distance }) => `${digest[0]}${distance}`) };
}

async function filled(): Promise<OpenCatalog> {
  const catalog = await openTestCatalog();
  const hashes = { a: "fffffffffffffff0", b: LIKE, c: "0fffffffffffffff", d: "fffffffffffffffe", e: "0".repeat(16) };
  for (const [letter, phash] of Object.entries(hashes)) await archive(catalog, letter, phash);
  return catalog;
}

test("the nearest come first, as far as they may be, and as many as are wanted", async () => {
  const catalog = await filled();
  expect(find(catalog)).toEqual({ found: ["b0", "d1", "a4", "c4"], more: false, unhashed: 0 });
  expect(find(catalog, { maxDistance: 3 }).found).toEqual(["b0", "d1"]);
  expect(find(catalog, { maxDistance: 64 }).found).toEqual(["b0", "d1", "a4", "c4", "e64"]);
  expect(find(catalog, { limit: 2 })).toMatchObject({ found: ["b0", "d1"], more: true });
  expect(find(catalog, { limit: 4 })).toMatchObject({ more: false });
});

test("of several hashes the nearest counts, and what was asked for is left out", async () => {
  const catalog = await filled();
  expect(find(catalog, { like: [LIKE, "0".repeat(16)], maxDistance: 1 }).found).toEqual(["b0", "e0", "d1"]);
  expect(find(catalog, { except: "bd" }).found).toEqual(["a4", "c4"]);
});

test("images of deleted requests are left out, unless another request has them", async () => {
  const catalog = await filled();
  await accept(catalog, "again", { prompt: "another" });
  await catalog.answerCall(await reserve(catalog, "again"), answer([0]));
  await catalog.recordAsset({ request_id: "again", index: 0 }, asset("d"));
  await catalog.finish("again", { state: "archived" });
  for (const id of ["r-b", "r-d"]) await catalog.edits.delete(id, Number.MAX_SAFE_INTEGER);
  expect(find(catalog, { maxDistance: 3 }).found).toEqual(["d1"]);
});

test("images that nobody has looked at are counted", async () => {
  const file = join(testFolder(), "catalog.db");
  const catalog = await openTestCatalog({ file });
  await archive(catalog, "a", LIKE);
  await archive(catalog, "b", LIKE);
  const sqlite = new Sqlite(file);
  sqlite.prepare("update assets set phash = null where digest = ?").run("b".repeat(64));
  sqlite.close();
  expect(find(catalog)).toEqual({ found: ["a0"], more: false, unhashed: 1 });
});

test("a catalog without images has nothing alike", () => {
  const catalog = openCatalog({ file: join(testFolder(), "catalog.db") });
  expect(find(catalog)).toEqual({ found: [], more: false, unhashed: 0 });
  catalog.close();
});

/** The 64-bit product of a number and an odd constant: spread over all hashes. */
function hashOf(at: number): string {
  return ((BigInt(at) * 0x9e3779b97f4a7c15n) & 0xffffffffffffffffn).toString(16).padStart(16, "0");
}

test("of many thousand hashes none is overlooked, whatever stands between them", async () => {
  const file = join(testFolder(), "catalog.db");
  const catalog = await openTestCatalog({ file });
  const sqlite = new Sqlite(file);
  const insert = sqlite.prepare(
    "insert into assets (digest, key, bytes, content_type, width, height, archived_at, phash) values (?, ?, 1, 'image/png', 1, 1, 1, ?)",
  );
  sqlite.transaction(() => {
    for (let at = 0; at < 25_000; at++) {
      const digest = at.toString(16).padStart(64, "0");
      insert.run(digest, digest, hashOf(at));
    }
  })();
  sqlite.exec("update assets set phash = null where rowid = 7");
  sqlite.exec("update assets set erased_at = 1 where rowid = 20002");
  sqlite.close();
  const { found, unhashed } = findSimilar(catalog.similar, { like: ["0".repeat(16)], maxDistance: 64, limit: 30_000 });
  // each with the distance of its own hash, and not of its neighbour's
  const distanceOf = (digest: string) => hashDistance("0".repeat(16), hashOf(Number.parseInt(digest.slice(-8), 16)));
  for (const { digest, distance } of found)
    if (distance !== distanceOf(digest)) throw new Error(`Got ${distance} for ${digest}`);
  expect(new Set(found.map(({ digest }) => digest)).size).toBe(24_998);
  expect(unhashed).toBe(1);
  expect(found.map(({ distance }) => distance)).toEqual(
    found.map(({ distance }) => distance).toSorted((a, b) => a - b),
  );
});
