import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { submit } from "../../src/app/submit.ts";
import { reportBatch } from "../../src/batches/run/report.ts";
import { openCatalog } from "../../src/catalog/catalog.ts";
import { createInspector } from "../../src/image/inspect.ts";
import {
  compareWithOld,
  installRebuilt,
  type RebuildDeps,
  rebuildTo,
  removeDatabase,
} from "../../src/maintenance/rebuild.ts";
import { archiveAll, openApp, openPlace, type Place, rowsOf } from "./support.ts";

/** What sidecars leave out: secrets, what only matters on the way, upkeep's own notes, and the numbers of assets. */
const LEFT_OUT = {
  requests: ["sidecar_at", "mirrored_at", "submitted", "webhook_url"],
  calls: [],
  generations: [],
  images: ["url", "spool_file", "expires_at", "asset_id"],
  // the last two are made of the images again: see test/thumbnails
  assets: ["asset_id", "verified_at", "fault", "mirrored_at", "phash", "thumbnail"],
};

function partsOf(place: Place): RebuildDeps {
  const app = openApp(place);
  return {
    store: app.store(),
    clock: app.clock,
    inspect: createInspector(),
    file: join(place.folder, "catalog.db"),
    signal: new AbortController().signal,
    onProgress: () => undefined,
  };
}

async function openRichPlace(): Promise<Place> {
  const place = await openPlace();
  const { sandbox } = place;
  await archiveAll(place, [
    { request_id: "plain", prompt: "a red fox", seed: 42, tags: ["红"], metadata: { a: [1, null] } },
    { request_id: "four", prompt: "four foxes", n: 4, collection: "动物" },
    { request_id: "again", prompt: "a red fox", seed: 42 },
    {
      request_id: "bytes",
      prompt: "as bytes",
      response_format: "b64_json",
      webhook_url: "https://example.com/hook?secret=1",
    },
    { request_id: "fresh", prompt: "a red fox", seed: 42, reuse: false },
    () => sandbox.configure({ forceStatus: 400 }),
    { request_id: "refused", prompt: "refused" },
    () => sandbox.configure({ forceStatus: null, errorRate: 0.6, randomSeed: 3 }),
    { request_id: "retried", prompt: "retried" },
    () => sandbox.configure({ errorRate: 0 }),
  ]);
  return place;
}

it("a catalog rebuilt from the store equals the old one, row by row", async () => {
  const place = await openRichPlace();
  const parts = partsOf(place);
  const target = join(place.folder, "again.db");
  const made = await rebuildTo(target, parts);
  expect(made).toMatchObject({ requests: 7, unusable: [], absent: [], strays: [] });
  for (const [table, without] of Object.entries(LEFT_OUT)) {
    const old = rowsOf(parts.file, table, without);
    expect(rowsOf(target, table, without), table).toEqual(old);
    expect(old.length, table).toBeGreaterThan(4);
  }
  expect(rowsOf(parts.file, "calls").map((call) => call.state)).toEqual(
    expect.arrayContaining(["refused", "answered"]),
  );
  expect(compareWithOld(parts.file, target)).toEqual([]);
});

it("a rebuilt catalog answers searches and takes requests", async () => {
  const place = await openRichPlace();
  const parts = partsOf(place);
  const target = join(place.folder, "again.db");
  await rebuildTo(target, parts);
  const kept = installRebuilt(target, parts);
  expect(kept).toMatch(/catalog\.db\.before-rebuild-\d{8}T\d{6}Z$/);
  expect(readdirSync(place.folder).filter((name) => /-wal|-shm/.test(name))).toEqual([]);
  const [reused] = await archiveAll(place, [{ request_id: "later", prompt: "a red fox", seed: 42 }]);
  expect(reused?.request.reused_from).not.toBeNull();
  const catalog = openCatalog({ file: parts.file });
  expect(catalog.search({ text: "foxes" }).items.map((hit) => hit.request.request_id)).toEqual(["four"]);
  expect(catalog.search({ collection: "动物" }).items).toHaveLength(1);
  catalog.close();
  const old = openCatalog({ file: kept ?? "" });
  expect(await old.find("later")).toBeUndefined();
  expect(await old.find("plain")).toBeDefined();
  old.close();
});

it("names what it cannot use and goes on with the rest", async () => {
  const place = await openPlace();
  await archiveAll(place, [
    { request_id: "good", prompt: "good" },
    { request_id: "lost", prompt: "lost" },
  ]);
  const parts = partsOf(place);
  const archive = join(place.folder, "archive");
  const folder = join(archive, "requests/2026/01/01");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "half.json"), '{ "version": 1, "request"');
  writeFileSync(join(folder, "future.json"), '{ "version": 2 }');
  const catalog = openApp(place).catalog();
  const lost = (await catalog.find("lost"))?.assets[0];
  const good = (await catalog.find("good"))?.assets[0];
  const sidecar = readdirSync(archive, { recursive: true }).find((name) => String(name).endsWith("lost.json"));
  // the image of a request whose sidecar is gone, and one that is not what its name says
  rmSync(join(archive, String(sidecar)));
  const foreign = `images/00/${"0".repeat(64)}.png`;
  mkdirSync(join(archive, "images/00"), { recursive: true });
  writeFileSync(join(archive, foreign), readFileSync(join(archive, good?.key ?? "")));
  const made = await rebuildTo(join(place.folder, "again.db"), parts);
  expect(made.requests).toBe(1);
  expect(made.unusable.map(({ key }) => key).toSorted()).toEqual([
    "requests/2026/01/01/future.json",
    "requests/2026/01/01/half.json",
  ]);
  expect(made.strays).toEqual(
    expect.arrayContaining([
      { key: lost?.key, taken: true, reason: null },
      expect.objectContaining({ key: foreign, taken: false }),
    ]),
  );
  expect(made.absent).toEqual([]);
});

it("reports assets whose bytes are gone or of another size", async () => {
  const place = await openPlace();
  await archiveAll(place, [
    { request_id: "a", prompt: "a" },
    { request_id: "b", prompt: "b" },
  ]);
  const parts = partsOf(place);
  const catalog = openApp(place).catalog();
  const [a, b] = await Promise.all(["a", "b"].map(async (id) => (await catalog.find(id))?.assets[0]?.key ?? ""));
  await parts.store.delete(a ?? "");
  writeFileSync(join(place.folder, "archive", b ?? ""), "short");
  const { absent } = await rebuildTo(join(place.folder, "again.db"), parts);
  expect(absent.map(({ key, reason }) => `${key}: ${reason}`).toSorted()).toEqual(
    [`${a}: it is not in the store`, `${b}: the store holds 5 bytes`].toSorted(),
  );
});

it("names requests that only the old catalog knows", async () => {
  const place = await openPlace();
  await archiveAll(place, [{ request_id: "done", prompt: "done" }]);
  const app = openApp(place);
  await submit(app, { request_id: "waiting", prompt: "waiting" });
  await app.close();
  const parts = partsOf(place);
  const target = join(place.folder, "again.db");
  await rebuildTo(target, parts);
  expect(compareWithOld(parts.file, target)).toEqual([{ request_id: "waiting", state: "queued" }]);
});

it("is not swapped in while another program has the old catalog open", async () => {
  const place = await openPlace();
  await archiveAll(place, [{ request_id: "done", prompt: "done" }]);
  const parts = partsOf(place);
  const target = join(place.folder, "again.db");
  await rebuildTo(target, parts);
  const open = openCatalog({ file: parts.file });
  expect(() => installRebuilt(target, parts)).toThrow(/another program has .* open/);
  open.close();
  expect(installRebuilt(target, parts)).not.toBeNull();
});

it("leaves nothing behind when it is interrupted", async () => {
  const place = await openPlace();
  await archiveAll(place, [{ request_id: "done", prompt: "done" }]);
  const target = join(place.folder, "again.db");
  await expect(rebuildTo(target, { ...partsOf(place), signal: AbortSignal.abort() })).rejects.toThrow();
  expect(existsSync(target)).toBe(false);
  expect(existsSync(`${target}-wal`)).toBe(false);
});

it("killed in the middle, or before the swap, it leaves the old catalog as it was, and the next one works", async () => {
  const place = await openPlace();
  await archiveAll(place, [
    { request_id: "a", prompt: "a", seed: 1 },
    { request_id: "b", prompt: "b" },
  ]);
  const parts = partsOf(place);
  const before = rowsOf(parts.file, "requests", LEFT_OUT.requests);
  for (const readings of ["0", "1", "all"]) {
    const script = join(import.meta.dirname, "rebuild-and-die.ts");
    const child = spawn(process.execPath, [script, place.folder, readings], { stdio: "inherit" });
    expect(await once(child, "exit")).toEqual([null, "SIGKILL"]);
    expect(existsSync(`${parts.file}.rebuilding`)).toBe(true);
    expect(rowsOf(parts.file, "requests", LEFT_OUT.requests)).toEqual(before);
    removeDatabase(`${parts.file}.rebuilding`);
  }
  await rebuildTo(`${parts.file}.rebuilding`, parts);
  installRebuilt(`${parts.file}.rebuilding`, parts);
  expect(rowsOf(parts.file, "requests", LEFT_OUT.requests)).toEqual(before);
  expect(readdirSync(place.folder).filter((name) => name.includes("rebuilding"))).toEqual([]);
});

it("takes the place of a catalog that is broken", async () => {
  const place = await openPlace();
  await archiveAll(place, [{ request_id: "done", prompt: "done" }]);
  const parts = partsOf(place);
  writeFileSync(parts.file, "this was a database once, until somebody wrote over it".repeat(100));
  const target = join(place.folder, "again.db");
  await rebuildTo(target, parts);
  expect(compareWithOld(parts.file, target)).toEqual([]);
  expect(installRebuilt(target, parts)).not.toBeNull();
  const catalog = openCatalog({ file: parts.file });
  expect((await catalog.find("done"))?.request.state).toBe("archived");
  catalog.close();
});

it("brings batches back that have come to rest", async () => {
  const place = await openPlace();
  await archiveAll(place, [{ request_id: "done", prompt: "done" }]);
  const app = openApp(place);
  const { batches } = app.catalog();
  const { batch } = await batches.start({
    batch_id: "night-1",
    name: "night",
    manifest: "night.jsonl",
    manifest_digest: "d".repeat(64),
    schedule: null,
    items: 1,
    invalid: 0,
    max_images: 10,
    webhook_url: "https://example.com/secret-hook?token=t",
  });
  await batches.endEnqueuing(batch.batch_id);
  await reportBatch(app, { batch: batches.find("night-1") ?? batch, rest: "all" });
  const target = join(place.folder, "again.db");
  await expect(rebuildTo(target, partsOf(place))).resolves.toMatchObject({ batches: 1, unusable: [] });
  const without = ["webhook_url"];
  expect(rowsOf(target, "batches", without)).toEqual(rowsOf(join(place.folder, "catalog.db"), "batches", without));
  // its address is in no sidecar
  expect(rowsOf(target, "batches").map((row) => row.webhook_url)).toEqual([null]);
  const sidecar = String(await app.store().get("batches/night-1.json"));
  expect(sidecar).toContain('"webhook_url": "https://example.com"');
  expect(sidecar).not.toMatch(/secret|token/);
});
