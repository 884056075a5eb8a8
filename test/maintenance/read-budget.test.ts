// The bytes of originals that are read back at a time are bounded together, by their recorded sizes.
import { join } from "node:path";
import Sqlite from "better-sqlite3";
import { expect, test } from "vitest";
import type { App } from "../../src/app/app.ts";
import { clock } from "../../src/app/clock.ts";
import { checkDeep } from "../../src/cli/doctor/deep.ts";
import { createInspector } from "../../src/image/inspect.ts";
import { readThumbnail } from "../../src/image/read-thumbnail.ts";
import { mirrorDue } from "../../src/maintenance/mirror.ts";
import { createThumbnailBackfill } from "../../src/maintenance/thumbnail-backfill.ts";
import { verify } from "../../src/maintenance/verify.ts";
import { exportImages } from "../../src/output/export/export.ts";
import type { Store } from "../../src/pipeline/ports.ts";
import { READ_BYTES_MAX, readBytesHeld } from "../../src/pipeline/read-budget.ts";
import { archiveAll, openApp, openPlace, QUIET } from "./support.ts";

const signal = new AbortController().signal;
const BIG = 64 * 1024 * 1024;

/** Eight images that the catalog records as large as an image may be, and stores that count how many are read at a time. */
async function openLarge(statements = "") {
  const place = await openPlace();
  const mirror = { MIRROR_URL: `file:${place.folder}/mirror` };
  Object.assign(place.env, mirror);
  await archiveAll(
    place,
    ["a", "b"].map((id) => ({ request_id: id, prompt: `a picture of ${id}`, n: 4 })),
  );
  const sqlite = new Sqlite(join(place.folder, "catalog.db"));
  sqlite.exec(`update assets set bytes = ${BIG}; ${statements}`);
  sqlite.close();
  const app = openApp(place);
  const reads = { now: 0, most: 0, images: 0 };
  const counting = (store: Store): Store => ({
    ...store,
    get: async (key, options) => {
      if (!key.startsWith("images/")) return store.get(key, options);
      reads.images += 1;
      reads.now += 1;
      reads.most = Math.max(reads.most, reads.now);
      await new Promise((resolve) => setTimeout(resolve, 5));
      reads.now -= 1;
      return store.get(key, options);
    },
  });
  const store = counting(app.store());
  const second = app.mirror();
  if (second === undefined) throw new Error("no mirror");
  return { app, store, mirror: counting(second), catalog: app.catalog(), reads };
}

const ONE_BY_ONE = { most: 1, images: 8 };

test("verification", async () => {
  const { catalog, store, reads } = await openLarge();
  await verify({ catalog, store, inspect: createInspector(), clock, signal, onProgress: () => undefined });
  expect(reads).toMatchObject(ONE_BY_ONE);
});

test("verification of second copies", async () => {
  const { catalog, store, mirror, reads } = await openLarge("update assets set mirrored_at = archived_at");
  await verify({ catalog, store, mirror, inspect: createInspector(), clock, signal, onProgress: () => undefined });
  expect(reads).toMatchObject({ most: 1, images: 16 });
});

test("second copies", async () => {
  const { catalog, store, mirror, reads } = await openLarge("update mirror_jobs set next_at = 0");
  const { integrity } = catalog;
  expect(await mirrorDue({ integrity, store, mirror, clock, log: QUIET, signal })).toMatchObject({ failed: 0 });
  expect(reads).toMatchObject(ONE_BY_ONE);
});

test("doctor --deep", async () => {
  const { app, store, reads } = await openLarge();
  await checkDeep({ ...app, store: () => store as ReturnType<App["store"]> }, signal);
  expect(reads).toMatchObject(ONE_BY_ONE);
});

test("thumbnails that are backfilled, and those made on request", async () => {
  const { catalog, store, reads } = await openLarge("update assets set thumbnail = null, phash = null");
  const bare: Store = {
    ...store,
    get: (key, options) => (key.startsWith("thumbnails/") ? gone() : store.get(key, options)),
  };
  const later = { now: () => Date.now() + 3_600_000 };
  expect(await createThumbnailBackfill()({ catalog, store: bare, clock: later, log: QUIET, signal })).toBe(8);
  expect(reads).toMatchObject(ONE_BY_ONE);
  const { items } = catalog.browse.assets({ after: undefined, limit: 8 });
  const made = await Promise.all(items.map((asset) => readThumbnail({ store: bare, signal }, asset)));
  expect(made.every((thumbnail) => thumbnail !== undefined)).toBe(true);
  expect(reads.most).toBe(1);
});

const gone = async () => undefined;

test("exports, with what the format holds while it writes", async () => {
  const { catalog, store, reads } = await openLarge();
  let written = 0;
  const writing = {
    add: async () => {
      expect(reads.now).toBe(0);
      await new Promise((resolve) => setTimeout(resolve, 5));
      written += 1;
    },
    close: async () => undefined,
  };
  const originals: (Buffer | undefined)[] = [];
  const done = await exportImages(catalog.listArchivedImages({}), {
    ...{ writing, store, signal, embed: false, wants: { images: true, thumbnails: true } },
    thumbnail: async (_, original) => {
      originals.push(original);
      return Buffer.from("small");
    },
    onLeftOut: (image, reason) => expect.fail(`${image.asset.key}: ${reason}`),
    onProgress: () => undefined,
  });
  expect(done.images).toBe(8);
  expect(written).toBe(8);
  expect(reads).toMatchObject(ONE_BY_ONE);
  // a thumbnail is made of the bytes in hand: a second reading would hold them twice
  expect(originals.every((original) => original !== undefined)).toBe(true);
});

test("everything is given back", () => {
  expect(READ_BYTES_MAX).toBeLessThan(2 * BIG);
  expect(readBytesHeld()).toBe(0);
});
