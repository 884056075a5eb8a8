// Thumbnails from the archive's point of view: made in the background, backfilled later, never delaying a job.
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Sqlite from "better-sqlite3";
import sharp from "sharp";
import { describe, expect, test, vi } from "vitest";
import { clock } from "../../src/app/clock.ts";
import { ConfigError, DECODE_INTERRUPTED, TransientError } from "../../src/domain/errors.ts";
import { thumbnailKey } from "../../src/domain/keys.ts";
import { createInspector } from "../../src/image/inspect.ts";
import { readThumbnail } from "../../src/image/read-thumbnail.ts";
import { createThumbnailMaker } from "../../src/image/thumbnail-maker.ts";
import { eraseDue } from "../../src/maintenance/retention.ts";
import { createThumbnailBackfill } from "../../src/maintenance/thumbnail-backfill.ts";
import type { Store } from "../../src/pipeline/ports.ts";
import { archiveAll, openApp, openPlace, type Place, QUIET, rowsOf } from "../maintenance/support.ts";

const signal = new AbortController().signal;
const assetRows = (place: Place) => rowsOf(join(place.folder, "catalog.db"), "assets");
const pathOf = (place: Place, key: unknown) => join(place.folder, "archive", String(key));

function forget(place: Place, columns: "thumbnail = null" | "thumbnail = null, phash = null"): void {
  const sqlite = new Sqlite(join(place.folder, "catalog.db"));
  sqlite.exec(`update assets set ${columns}`);
  sqlite.close();
}

/** One round of care, an hour later. */
async function makeUp(place: Place): Promise<number> {
  const app = openApp(place);
  const clock = { now: () => Date.now() + 3_600_000 };
  return createThumbnailBackfill()({ catalog: app.catalog(), store: app.store(), clock, log: QUIET, signal });
}

test("an archived image has a thumbnail and a perceptual hash when its worker has stopped", async () => {
  const place = await openPlace({ imageScale: 0.5 });
  await archiveAll(place, [{ request_id: "a", prompt: "a fox", aspect_ratio: "16:9", n: 2 }]);
  const rows = assetRows(place);
  expect(rows).toHaveLength(2);
  for (const { digest, thumbnail, phash, width, height } of rows) {
    expect(thumbnail).toBe("stored");
    expect(phash).toMatch(/^[0-9a-f]{16}$/);
    const made = await sharp(pathOf(place, thumbnailKey(String(digest)))).metadata();
    expect(made).toMatchObject({ format: "webp", width: 402, height: 224 });
    expect(Number(height) / Number(width)).toBeCloseTo(224 / 402, 2);
  }
  expect(await makeUp(place)).toBe(0);
});

describe("what was not made in time is made up", () => {
  test("from the original, where there is no thumbnail", async () => {
    const place = await openPlace();
    await archiveAll(place, [{ request_id: "a", prompt: "a fox" }]);
    const before = assetRows(place);
    const path = pathOf(place, thumbnailKey(String(before[0]?.digest)));
    const made = readFileSync(path);
    rmSync(path);
    forget(place, "thumbnail = null, phash = null");
    expect(await makeUp(place)).toBe(1);
    expect(assetRows(place)).toEqual(before);
    expect(readFileSync(path)).toEqual(made);
  });

  test("from the thumbnail alone, where there is one: the original is not read", async () => {
    const place = await openPlace();
    await archiveAll(place, [{ request_id: "a", prompt: "a fox" }]);
    const [row] = assetRows(place);
    rmSync(pathOf(place, row?.key));
    forget(place, "thumbnail = null, phash = null");
    expect(await makeUp(place)).toBe(1);
    const [after] = assetRows(place);
    expect(after).toMatchObject({ thumbnail: "stored", phash: expect.stringMatching(/^[0-9a-f]{16}$/) });
  });

  test("an image that is gone or broken is looked at once, and does no harm to the others", async () => {
    const place = await openPlace();
    await archiveAll(
      place,
      ["a", "b", "c"].map((request_id) => ({ request_id, prompt: request_id })),
    );
    const [gone, broken] = assetRows(place);
    for (const { digest } of assetRows(place)) rmSync(pathOf(place, thumbnailKey(String(digest))));
    rmSync(pathOf(place, gone?.key));
    writeFileSync(pathOf(place, broken?.key), "no image");
    forget(place, "thumbnail = null");
    expect(await makeUp(place)).toBe(3);
    expect(assetRows(place).map(({ thumbnail }) => thumbnail)).toEqual(["impossible", "impossible", "stored"]);
    expect(await makeUp(place)).toBe(0);
    // proven again, as after a repair, it is looked at again
    await openApp(place)
      .catalog()
      .integrity.recordProofs([{ digest: String(gone?.digest), fault: null }]);
    expect(await makeUp(place)).toBe(1);
  });

  test("an image with other bytes than its own gets no picture of those", async () => {
    const place = await openPlace();
    await archiveAll(place, [{ request_id: "a", prompt: "a fox" }]);
    const [row] = assetRows(place);
    rmSync(pathOf(place, thumbnailKey(String(row?.digest))));
    const other = sharp({ create: { width: 20, height: 20, channels: 3, background: "#456" } });
    writeFileSync(pathOf(place, row?.key), await other.png().toBuffer());
    forget(place, "thumbnail = null, phash = null");
    expect(await makeUp(place)).toBe(1);
    expect(assetRows(place)).toMatchObject([{ thumbnail: "impossible", phash: null }]);
  });

  /** Twenty assets that lack everything, oldest first, and a store that returns what the test sets; it counts. */
  async function openCold(fault: () => Error) {
    const place = await openPlace();
    const requests = Array.from({ length: 5 }, (_, at) => ({ request_id: `r${at}`, prompt: `a fox ${at}`, n: 4 }));
    await archiveAll(place, requests);
    forget(place, "thumbnail = null, phash = null");
    const rows = assetRows(place).toSorted((a, b) => Number(a.archived_at) - Number(b.archived_at));
    for (const { digest } of rows) rmSync(pathOf(place, thumbnailKey(String(digest))));
    const app = openApp(place);
    const cold = new Set<unknown>();
    const asked: string[] = [];
    const get: Store["get"] = async (key, options) => {
      if (key.startsWith("images/")) asked.push(key);
      if (cold.has(key)) throw fault();
      return app.store().get(key, options);
    };
    const warn = vi.fn();
    const clock = { aheadMs: 3_600_000, now: () => Date.now() + clock.aheadMs };
    const parts = { catalog: app.catalog(), store: { ...app.store(), get }, clock, log: { warn }, signal };
    return { parts, keys: rows.map(({ key }) => key), cold, asked, warn, place };
  }

  const leftOf = (place: Place) => assetRows(place).filter(({ thumbnail }) => thumbnail === null).length;

  test("what the store does not return delays no other, is reported once, and is retried after a while", async () => {
    const { parts, keys, cold, asked, warn, place } = await openCold(
      () => new ConfigError("it is in cold storage", { code: "store_access_denied" }),
    );
    for (const key of keys.slice(0, 17)) cold.add(key);
    const makeUp = createThumbnailBackfill();
    expect(await makeUp(parts)).toBe(3);
    expect(asked).toHaveLength(20);
    expect(await makeUp(parts)).toBe(0);
    expect(asked).toHaveLength(20);
    // younger ones are not kept waiting by the pause
    const sqlite = new Sqlite(join(place.folder, "catalog.db"));
    sqlite.prepare("update assets set thumbnail = null, archived_at = archived_at + 1000 where key = ?").run(keys[19]);
    sqlite.close();
    expect(await makeUp(parts)).toBe(1);
    parts.clock.aheadMs += 61_000;
    expect(await makeUp(parts)).toBe(0);
    expect(asked).toHaveLength(37);
    // failed again: the pause is longer now
    parts.clock.aheadMs += 61_000;
    expect(await makeUp(parts)).toBe(0);
    expect(asked).toHaveLength(37);
    expect(warn).toHaveBeenCalledTimes(1);
    cold.clear();
    parts.clock.aheadMs += 61_000;
    expect(await makeUp(parts)).toBe(17);
    expect(leftOf(place)).toBe(0);
  });

  test("a store that is away is asked for a page in each round, and for all of them when it is back", async () => {
    const { parts, keys, cold, asked, place } = await openCold(
      () => new TransientError("the store is away", { code: "store_unreachable" }),
    );
    for (const key of keys) cold.add(key);
    const makeUp = createThumbnailBackfill();
    expect(await makeUp(parts)).toBe(0);
    expect(asked).toHaveLength(8);
    cold.clear();
    expect(await makeUp(parts)).toBe(12);
    parts.clock.aheadMs += 61_000;
    expect(await makeUp(parts)).toBe(8);
    expect(leftOf(place)).toBe(0);
  });

  test.each([
    ["no time", new TransientError("Cannot decode the image now: timeout", { code: DECODE_INTERRUPTED })],
    ["no decoder", new ConfigError("Cannot load the image decoder", { code: "decoder_missing" })],
    ["a fault of our own", new RangeError("a bug")],
  ])("%s for the decoder is no verdict on an image: it is decoded again later", async (_, failure) => {
    const { parts, place } = await openCold(() => failure);
    const makeUp = createThumbnailBackfill();
    const inspect = () => Promise.reject(failure);
    expect(await makeUp({ ...parts, inspect })).toBe(0);
    expect(leftOf(place)).toBe(20);
    let made = 0;
    // the rest of this pass, and the next one
    for (let pass = 0; pass < 2; pass++) {
      made += await makeUp(parts);
      parts.clock.aheadMs += 61_000;
    }
    expect(made).toBe(20);
    expect(assetRows(place).every(({ thumbnail }) => thumbnail === "stored")).toBe(true);
  });

  test("assets of the last minute are left to their own process", async () => {
    const place = await openPlace();
    await archiveAll(place, [{ request_id: "a", prompt: "a fox" }]);
    forget(place, "thumbnail = null");
    const app = openApp(place);
    const parts = { catalog: app.catalog(), store: app.store(), clock: { now: Date.now }, log: QUIET, signal };
    expect(await createThumbnailBackfill()(parts)).toBe(0);
  });
});

describe("the maker", () => {
  const inspect = createInspector();
  const picture = sharp({ create: { width: 20, height: 20, channels: 3, background: "#456" } });
  const idle = { clock, log: QUIET, isBusy: () => false };
  const keep = async () => undefined;
  const noting = (noted: string[]) => ({
    recordThumbnails: async (digests: readonly string[]) => {
      noted.push(...digests);
      return [];
    },
  });
  const offerOf = async (letter: string) => {
    const { preview } = await inspect(await picture.png().toBuffer());
    return { digest: letter.repeat(64), preview };
  };

  test("a store that is away costs a thumbnail and nothing else", async () => {
    const noted: string[] = [];
    const put = vi.fn(async (key: string) => {
      if (key.includes("aaaa")) throw new Error("away");
    });
    const catalog = noting(noted);
    const maker = createThumbnailMaker({ ...idle, store: { put, delete: keep }, catalog });
    maker.offer(await offerOf("a"));
    maker.offer(await offerOf("b"));
    await maker.close();
    expect(noted).toEqual(["b".repeat(64)]);
    expect(put).toHaveBeenCalledTimes(2);
  });

  test("takes away what it made of an image that was erased while its preview waited", async () => {
    const place = await openPlace();
    await archiveAll(place, [{ request_id: "a", prompt: "a fox" }]);
    const [row] = assetRows(place);
    const digest = String(row?.digest);
    const app = openApp(place);
    const parts = { catalog: app.catalog(), store: app.store(), mirror: undefined, log: QUIET, signal };
    await app.catalog().edits.delete("a", Date.now());
    expect(await eraseDue(parts)).toBe(1);
    const maker = createThumbnailMaker({ ...idle, store: app.store(), catalog: app.catalog() });
    maker.offer({ ...(await offerOf("a")), digest });
    await maker.close();
    expect(existsSync(pathOf(place, thumbnailKey(digest)))).toBe(false);
  });

  test("rests while images are copied, and makes the others without rest when it is closed", async () => {
    const rests: number[] = [];
    const sleep = (ms: number, signal: AbortSignal) => {
      rests.push(ms);
      return new Promise<void>((resolve) => {
        if (signal.aborted) resolve();
        else signal.addEventListener("abort", () => resolve());
      });
    };
    const noted: string[] = [];
    const catalog = noting(noted);
    const put = vi.fn(async () => undefined);
    const busy = { ...idle, clock: { sleep }, isBusy: () => true };
    const maker = createThumbnailMaker({ ...busy, store: { put, delete: keep }, catalog });
    for (const letter of ["a", "b", "c", "d"]) maker.offer(await offerOf(letter));
    await vi.waitFor(() => expect(rests).toHaveLength(2));
    // each of the two lanes has made one
    expect(put).toHaveBeenCalledTimes(2);
    await maker.close();
    expect(noted).toHaveLength(4);
  });

  test("holds no more than 32 MiB of previews, and takes none after its end", async () => {
    const gate = Promise.withResolvers<void>();
    const put = vi.fn(() => gate.promise);
    const noted: string[] = [];
    const catalog = noting(noted);
    const maker = createThumbnailMaker({ ...idle, store: { put, delete: keep }, catalog });
    const small = await offerOf("a");
    const pixels = Buffer.alloc(1024 * 1024);
    const offer = { ...small, preview: { width: 512, height: 512, channels: 4 as const, pixels } };
    for (let count = 0; count < 50; count++) maker.offer(offer);
    gate.resolve();
    await maker.close();
    // two in hand, and those that waited
    expect(noted).toHaveLength(34);
    maker.offer(offer);
    expect(put).toHaveBeenCalledTimes(34);
  });
});

test("a thumbnail that is not in the store is made from the original on request, and undefined without an original", async () => {
  const place = await openPlace();
  await archiveAll(place, [{ request_id: "a", prompt: "a fox" }]);
  const [row] = assetRows(place);
  const asset = { digest: String(row?.digest), key: String(row?.key) };
  const store = openApp(place).store();
  const made = await readThumbnail({ store }, asset);
  const path = pathOf(place, thumbnailKey(asset.digest));
  expect(made).toEqual(readFileSync(path));
  rmSync(path);
  expect(await readThumbnail({ store }, asset)).toEqual(made);
  expect(existsSync(path)).toBe(false);
  rmSync(pathOf(place, asset.key));
  expect(await readThumbnail({ store }, asset)).toBeUndefined();
});

test("originals are held few at a time, however many ask for thumbnails that are not there", async () => {
  const picture = sharp({ create: { width: 20, height: 20, channels: 3, background: "#456" } });
  const bytes = await picture.png().toBuffer();
  let held = 0;
  let most = 0;
  const get = async (key: string) => {
    if (!key.startsWith("images/")) return undefined;
    held += 1;
    most = Math.max(most, held);
    await new Promise((resolve) => setImmediate(resolve));
    held -= 1;
    return bytes;
  };
  const asset = { digest: "a".repeat(64), key: "images/aa/a.png" };
  const made = await Promise.all(Array.from({ length: 20 }, () => readThumbnail({ store: { get } }, asset)));
  expect(made.every((thumbnail) => thumbnail !== undefined)).toBe(true);
  expect(most).toBe(3);
});
