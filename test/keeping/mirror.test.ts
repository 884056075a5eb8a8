import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { clock } from "../../src/clock.ts";
import { type MirrorParts, mirrorDelayMs, mirrorDue, queueBatches } from "../../src/keeping/mirror.ts";
import { sidecarKey } from "../../src/pipeline/keys.ts";
import { createS3Store } from "../../src/store/s3.ts";
import { startS3Server } from "../support/s3-server.ts";
import { archiveAll, openApp, openPlace, type Place, QUIET } from "./support.ts";

function mirroredPlace(): Promise<Place> {
  return openPlace();
}

async function partsOf(place: Place): Promise<MirrorParts & { server: Awaited<ReturnType<typeof startS3Server>> }> {
  const app = openApp({ ...place, env: { ...place.env, MIRROR_URL: `file:${place.folder}/mirror` } });
  const server = await startS3Server();
  const mirror = createS3Store({ ...server, maxAttempts: 1 });
  onTestFinished(async () => {
    await mirror.close();
    await server.close();
  });
  const { keeping } = app.catalog();
  return { keeping, store: app.store(), mirror, clock, log: QUIET, signal: new AbortController().signal, server };
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
  const { keeping } = app.catalog();
  await mirrorDue({ keeping, store: app.store(), mirror, clock, log: QUIET, signal });
  expect(keeping.countMirrorJobs()).toBe(0);
  expect(keeping.countUnmirrored()).toBe(0);
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
  expect(await parts.keeping.queueAllMirrors()).toBe(4);
  expect(await mirrorDue(parts)).toEqual({ copied: 4, failed: 0 });
  expect(await parts.keeping.queueAllMirrors()).toBe(0);
  const keys: string[] = [];
  for await (const { key } of parts.mirror.list("")) keys.push(key);
  expect(keys.filter((key) => key.startsWith("images/"))).toHaveLength(2);
  expect(keys.filter((key) => key.startsWith("requests/"))).toHaveLength(2);
});

it("tries again later when the second store is away, and loses nothing", async () => {
  const place = await mirroredPlace();
  await archiveAll(place, [{ request_id: "a", prompt: "a" }]);
  const parts = await partsOf(place);
  await parts.keeping.queueAllMirrors();
  await parts.server.close();
  expect(await mirrorDue(parts)).toEqual({ copied: 0, failed: 2 });
  // nothing is due now, and nothing is forgotten
  expect(await mirrorDue(parts)).toEqual({ copied: 0, failed: 0 });
  expect(parts.keeping.countMirrorJobs()).toBe(2);
});

it("never copies an image that is spoilt in the first store", async () => {
  const place = await mirroredPlace();
  const [detail] = await archiveAll(place, [{ request_id: "a", prompt: "a" }]);
  const key = detail?.assets[0]?.key ?? "";
  writeFileSync(join(place.folder, "archive", key), "spoilt");
  const parts = await partsOf(place);
  await parts.keeping.queueAllMirrors();
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
  const { tidy } = app.catalog();
  await parts.keeping.queueAllMirrors();
  const erase = async () => {
    await tidy.delete("a", app.clock.now());
    await tidy.beginErasure("a");
    await parts.mirror.delete(key);
    await tidy.endErasure("a");
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
  expect(parts.keeping.countMirrorJobs()).toBe(0);
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
  expect(parts.keeping.countMirrorJobs()).toBe(0);
});
