// What a worker does besides its jobs: that each duty is done, and that none waits for another one that is long.
import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import Sqlite from "better-sqlite3";
import { expect, test, vi } from "vitest";
import { startWorker } from "../../src/app/worker.ts";
import { createArchiveMaintenance } from "../../src/maintenance/archive.ts";
import { archiveAll, openApp, openPlace, rowsOf } from "./support.ts";

const signal = new AbortController().signal;

test("what keeps deletions from being carried out keeps no thumbnail from being made", async () => {
  const place = await openPlace();
  await archiveAll(place, [
    { request_id: "a", prompt: "a fox" },
    { request_id: "gone", prompt: "a hare" },
  ]);
  const file = join(place.folder, "catalog.db");
  const sqlite = new Sqlite(file);
  sqlite.exec("update assets set thumbnail = null, archived_at = 0");
  sqlite.close();
  mkdirSync(`${file}.erasing`);
  const app = openApp(place);
  await app.catalog().edits.delete("gone", Date.now());
  await expect(createArchiveMaintenance(app)(signal)).rejects.toMatchObject({ code: "catalog_unwritable" });
  expect(rowsOf(file, "assets")).toMatchObject([{ thumbnail: "stored" }, { thumbnail: "stored" }]);
  expect(app.catalog().edits.listDueForErasure()).toEqual(["gone"]);
});

test("a second store that takes hours holds up nothing else", async () => {
  const place = await openPlace();
  await archiveAll(place, [{ request_id: "a", prompt: "a fox" }]);
  const file = join(place.folder, "catalog.db");
  const sqlite = new Sqlite(file);
  sqlite.exec("update assets set thumbnail = null, archived_at = 0");
  sqlite.close();
  const app = openApp({ ...place, env: { ...place.env, MIRROR_URL: `file:${place.folder}/mirror` } });
  const { integrity } = app.catalog();
  for (const key of readdirSync(join(place.folder, "archive"), { recursive: true, encoding: "utf8" }))
    if (key.endsWith(".json")) await integrity.queueMirror(key);
  expect(integrity.countUnmirrored()).toBe(1);
  const mirror = app.mirror();
  if (mirror === undefined) throw new Error("Got no mirror");
  const put = vi.fn(() => new Promise<never>(() => undefined));
  await createArchiveMaintenance({ ...app, mirror: () => ({ ...mirror, put }) })(signal);
  expect(rowsOf(file, "assets")).toMatchObject([{ thumbnail: "stored" }]);
  expect(put).not.toHaveBeenCalled();
});

test("a worker makes the second copies, too", async () => {
  const place = await openPlace();
  place.env.MIRROR_URL = `file:${place.folder}/mirror`;
  await archiveAll(place, [{ request_id: "a", prompt: "a fox" }]);
  const app = openApp(place);
  const worker = await startWorker(app);
  try {
    await vi.waitFor(() => expect(app.catalog().integrity.countUnmirrored()).toBe(0), 60_000);
  } finally {
    await worker.stop();
  }
  expect(readdirSync(join(place.folder, "mirror"))).toEqual(expect.arrayContaining(["images", "requests"]));
});
