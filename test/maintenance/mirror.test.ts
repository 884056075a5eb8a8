import { createHash } from "node:crypto";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { clock } from "../../src/app/clock.ts";
import { sidecarKey } from "../../src/domain/keys.ts";
import { createInspector } from "../../src/image/inspect.ts";
import { type MirrorDeps, mirrorDelayMs, mirrorDue, queueBatches } from "../../src/maintenance/mirror.ts";
import { repair } from "../../src/maintenance/repair.ts";
import { type Finding, verify } from "../../src/maintenance/verify.ts";
import type { Store } from "../../src/pipeline/ports.ts";
import { createS3Store } from "../../src/storage/s3.ts";
import { startS3Server } from "../support/s3-server.ts";
import { archiveAll, openApp, openPlace, type Place, QUIET } from "./support.ts";

function mirroredPlace(): Promise<Place> {
  return openPlace();
}

async function partsOf(place: Place): Promise<MirrorDeps & { server: Awaited<ReturnType<typeof startS3Server>> }> {
  const app = openApp({ ...place, env: { ...place.env, MIRROR_URL: `file:${place.folder}/mirror` } });
  const server = await startS3Server();
  const mirror = createS3Store({ ...server, maxAttempts: 1 });
  onTestFinished(async () => {
    await mirror.close();
    await server.close();
  });
  const { integrity } = app.catalog();
  return { integrity, store: app.store(), mirror, clock, log: QUIET, signal: new AbortController().signal, server };
}

it("a worker gives the second store a copy of each image and sidecar, byte for byte", async () => {
  const place = await openPlace();
  place.env.MIRROR_URL = `file:${place.folder}/mirror`;
  const [detail] = await archiveAll(place, [{ request_id: "a", prompt: "a" }]);
  // what the worker had no time for, the next one does
  const app = openApp(place);
  const mirror = app.mirror();
  if (mirror === undefined) throw new Error("Got no mirror");
  const signal = new AbortController().signal;
  const { integrity } = app.catalog();
  await mirrorDue({ integrity, store: app.store(), mirror, clock, log: QUIET, signal });
  expect(integrity.countMirrorJobs()).toBe(0);
  expect(integrity.countUnmirrored()).toBe(0);
  for (const key of [detail?.assets[0]?.key ?? "", sidecarKey(detail?.request ?? { request_id: "", created_at: 0 })])
    expect(readFileSync(join(place.folder, "mirror", key))).toEqual(readFileSync(join(place.folder, "archive", key)));
});

it("makes up for what was archived before there was a mirror, once", async () => {
  const place = await mirroredPlace();
  await archiveAll(place, [
    { request_id: "a", prompt: "a" },
    { request_id: "b", prompt: "b" },
  ]);
  const parts = await partsOf(place);
  expect(await parts.integrity.queueAllMirrors()).toBe(4);
  expect(await mirrorDue(parts)).toEqual({ copied: 4, failed: 0 });
  expect(await parts.integrity.queueAllMirrors()).toBe(0);
  const keys: string[] = [];
  for await (const { key } of parts.mirror.list("")) keys.push(key);
  expect(keys.filter((key) => key.startsWith("images/"))).toHaveLength(2);
  expect(keys.filter((key) => key.startsWith("requests/"))).toHaveLength(2);
});

it("tries again later when the second store is away, and loses nothing", async () => {
  const place = await mirroredPlace();
  await archiveAll(place, [{ request_id: "a", prompt: "a" }]);
  const parts = await partsOf(place);
  await parts.integrity.queueAllMirrors();
  await parts.server.close();
  expect(await mirrorDue(parts)).toEqual({ copied: 0, failed: 2 });
  // nothing is due now, and nothing is forgotten
  expect(await mirrorDue(parts)).toEqual({ copied: 0, failed: 0 });
  expect(parts.integrity.countMirrorJobs()).toBe(2);
});

it("never copies an image that is spoilt in the first store", async () => {
  const place = await mirroredPlace();
  const [detail] = await archiveAll(place, [{ request_id: "a", prompt: "a" }]);
  const key = detail?.assets[0]?.key ?? "";
  writeFileSync(join(place.folder, "archive", key), "spoilt");
  const parts = await partsOf(place);
  await parts.integrity.queueAllMirrors();
  expect(await mirrorDue(parts)).toEqual({ copied: 1, failed: 1 });
  expect(await parts.mirror.head(key)).toBeUndefined();
});

it.each([
  [1, 5_000],
  [2, 10_000],
  [5, 80_000],
  [12, 3_600_000],
  [500, 3_600_000],
])("waits after try %i for %i ms", (tries, delayMs) => {
  expect(mirrorDelayMs(tries)).toBe(delayMs);
});

it("gives no copy of what was erased meanwhile, and takes back one that came too late", async () => {
  const place = await mirroredPlace();
  const [detail] = await archiveAll(place, [{ request_id: "a", prompt: "a" }]);
  const key = detail?.assets[0]?.key ?? "";
  const parts = await partsOf(place);
  const app = openApp({ ...place, env: { ...place.env, MIRROR_URL: `file:${place.folder}/mirror` } });
  const { edits } = app.catalog();
  await parts.integrity.queueAllMirrors();
  const erase = async () => {
    await edits.delete("a", app.clock.now());
    await edits.beginErasure("a");
    await parts.mirror.delete(key);
    await edits.endErasure("a");
  };
  // the deletion comes between the reading and the putting of the copy
  const store = { ...parts.store };
  store.get = async (wanted, options) => {
    const bytes = await parts.store.get(wanted, options);
    if (wanted === key) await erase();
    return bytes;
  };
  await mirrorDue({ ...parts, store });
  expect(await parts.mirror.head(key)).toBeUndefined();
  expect(await parts.mirror.head(sidecarKey(detail?.request ?? { request_id: "", created_at: 0 }))).toBeDefined();
  expect(parts.integrity.countMirrorJobs()).toBe(0);
});

it("catches up with the sidecars of batches", async () => {
  const place = await mirroredPlace();
  const parts = await partsOf(place);
  const bytes = Buffer.from("{}");
  const digest = createHash("sha256").update(bytes).digest("hex");
  await parts.store.put("batches/night.json", bytes, { contentType: "application/json", digest });
  await queueBatches(parts);
  expect(await mirrorDue(parts)).toEqual({ copied: 1, failed: 0 });
  expect(await parts.mirror.get("batches/night.json")).toEqual(bytes);
  await queueBatches(parts);
  expect(parts.integrity.countMirrorJobs()).toBe(0);
});

it("verify finds spoilt and missing second copies, and repair and the next mirroring make them again", async () => {
  const place = await openPlace();
  place.env.MIRROR_URL = `file:${place.folder}/mirror`;
  const details = await archiveAll(place, [
    { request_id: "a", prompt: "a" },
    { request_id: "b", prompt: "b" },
  ]);
  const app = openApp(place);
  const mirror = app.mirror() as Store;
  const signal = new AbortController().signal;
  const parts = { catalog: app.catalog(), store: app.store(), mirror, clock, inspect: createInspector(), signal };
  const { integrity } = app.catalog();
  const copyAll = async () => {
    await integrity.queueAllMirrors();
    await mirrorDue({ integrity, store: app.store(), mirror, clock, log: QUIET, signal });
  };
  const check = async () => (await verify({ ...parts, onProgress: () => undefined })).found;
  const kinds = async () => (await check()).map(({ kind }) => kind).toSorted();
  const [image = "", other = ""] = details.map((detail) => detail?.assets[0]?.key ?? "");
  const sidecar = sidecarKey(details[0]?.request ?? { request_id: "", created_at: 0 });
  const inMirror = (key: string) => join(place.folder, "mirror", key);
  const inStore = (key: string) => readFileSync(join(place.folder, "archive", key));
  const spoil = () => {
    writeFileSync(inMirror(image), "spoilt");
    rmSync(inMirror(other));
    writeFileSync(inMirror(sidecar), "{}");
  };
  await copyAll();
  expect(await kinds()).toEqual([]);

  spoil();
  const found = await check();
  expect(found.map(({ kind }) => kind).toSorted()).toEqual(["mirror_corrupt", "mirror_corrupt", "mirror_missing"]);
  const downloader = { download: () => Promise.reject(new Error("gone")) };
  const { repaired, run_id } = await repair({ ...parts, downloader }, found);
  expect(repaired.map(({ by, left }) => [by, left])).toEqual(found.map(() => ["store", null]));
  for (const key of [image, other, sidecar]) expect(readFileSync(inMirror(key))).toEqual(inStore(key));
  expect(readFileSync(inMirror(`quarantine/${run_id}/${image}`), "utf8")).toBe("spoilt");
  expect(await kinds()).toEqual([]);

  spoil();
  expect(await kinds()).toHaveLength(3);
  await copyAll();
  for (const key of [image, other, sidecar]) expect(readFileSync(inMirror(key))).toEqual(inStore(key));
  expect(await kinds()).toEqual([]);

  // and the other way round, both at once: a spoilt first copy comes from the mirror
  writeFileSync(join(place.folder, "archive", image), "spoilt");
  const [one] = await check();
  expect(one?.kind).toBe("corrupt");
  expect((await repair({ ...parts, downloader }, [one as Finding])).repaired).toMatchObject([
    { by: "mirror", left: null },
  ]);
});

it("a mirror that cannot be read is one finding, and the store is verified all the same", async () => {
  const place = await openPlace();
  place.env.MIRROR_URL = `file:${place.folder}/mirror`;
  await archiveAll(place, [
    { request_id: "a", prompt: "a" },
    { request_id: "b", prompt: "b" },
  ]);
  const app = openApp(place);
  const parts = await partsOf(place);
  await parts.integrity.queueAllMirrors();
  await mirrorDue(parts);
  await parts.server.close();
  const { mirror, signal } = parts;
  const checked = await verify({
    ...{ catalog: app.catalog(), store: app.store(), mirror, clock, inspect: createInspector(), signal },
    onProgress: () => undefined,
  });
  expect(checked).toMatchObject({ assets: 2, sidecars: 2, complete: true });
  expect(checked.found.map(({ kind }) => kind)).toEqual(["mirror_unreadable"]);
});
