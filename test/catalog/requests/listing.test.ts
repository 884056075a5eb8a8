import { expect, test } from "vitest";
import type { OpenCatalog } from "../../../src/catalog/catalog.ts";
import { newBatch } from "../../batches/run/support.ts";
import { accept, answer, archiveWhole, asset, FAILURE, openTestCatalog, request, reserve } from "../support.ts";

const MANY = 1_203;

function ids(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `r-${String(index).padStart(5, "0")}`);
}

async function acceptMany(
  catalog: OpenCatalog,
  count: number,
  fields: Parameters<typeof accept>[2] = {},
): Promise<void> {
  await Promise.all(ids(count).map((id) => accept(catalog, id, fields)));
}

test.each([
  ["at the same ms", () => 1],
  ["one after the other", counter()],
])("all requests are listed once and in order, many pages of them, accepted %s", async (_, now) => {
  const catalog = await openTestCatalog({ clock: { now } });
  await acceptMany(catalog, MANY);
  expect([...catalog.listRequests()].map((request) => request.request_id)).toEqual(ids(MANY));
});

function counter(): () => number {
  let time = 0;
  return () => time++;
}

test.each([0, 1, 499, 500, 501, 1_000])("a list of %i ends where it should", async (count) => {
  const catalog = await openTestCatalog();
  await acceptMany(catalog, count);
  expect([...catalog.listRequests()]).toHaveLength(count);
  expect([...catalog.listUnfinished()].flat()).toHaveLength(count);
});

test("a list is filtered by state, collection and batch, alone and together", async () => {
  const catalog = await openTestCatalog();
  await accept(catalog, "plain");
  await accept(catalog, "foxes", { collection: "foxes" });
  await catalog.accept(request("batched", { collection: "foxes" }), { jobId: "1", batchId: "b" });
  await archiveWhole(catalog, "foxes");
  const list = (filter: Parameters<typeof catalog.listRequests>[0]) =>
    [...catalog.listRequests(filter)].map(({ request_id }) => request_id).sort();
  expect(list({ collection: "foxes" })).toEqual(["batched", "foxes"]);
  expect(list({ state: "queued" })).toEqual(["batched", "plain"]);
  expect(list({ batch: "b" })).toEqual(["batched"]);
  expect(list({ state: "queued", collection: "foxes" })).toEqual(["batched"]);
  expect(list({ state: "archived", batch: "b" })).toEqual([]);
  expect([...catalog.listArchivedImages({ collection: "foxes" })]).toHaveLength(1);
});

test("a line for each archived image, many pages of them, with what belongs to it", async () => {
  const catalog = await openTestCatalog();
  const count = 510;
  await acceptMany(catalog, count, { n: 2 });
  await Promise.all(
    ids(count).map(async (id) => {
      await catalog.answerCall(await reserve(catalog, id, { n: 2, seed: 1 }), answer([0, 1]));
      await catalog.recordAsset({ request_id: id, index: 1 }, asset("b"));
      await catalog.recordAsset({ request_id: id, index: 0 }, asset("a"));
      await catalog.finish(id, { state: "archived" });
    }),
  );
  const lines = [...catalog.listArchivedImages()];
  expect(lines.map((line) => [line.request.request_id, line.index, line.asset.digest[0]])).toEqual(
    ids(count).flatMap((id) => [
      [id, 0, "a"],
      [id, 1, "b"],
    ]),
  );
  expect(lines.every((line) => line.calls === 1 && line.api_created === 1_750_000_000)).toBe(true);
}, 60_000);

test("unfinished requests are all found, those nearest to the end first, and no others", async () => {
  const catalog = await openTestCatalog();
  await acceptMany(catalog, MANY);
  await reserve(catalog, "r-00000");
  await catalog.answerCall(await reserve(catalog, "r-00001"), answer([0]));
  await archiveWhole(catalog, "r-00002");
  await catalog.finish("r-00003", { state: "parked", error: { code: "x", message: "x" } });
  const pages = [...catalog.listUnfinished()];
  const list = pages.flat();
  expect(pages.every((page) => page.length <= 500)).toBe(true);
  expect(list.slice(0, 2).map((request) => [request.request_id, request.state])).toEqual([
    ["r-00001", "copying"],
    ["r-00000", "generating"],
  ]);
  expect(new Set(list.map((request) => request.request_id)).size).toBe(list.length);
  expect(list).toHaveLength(MANY - 2);
});

test("requests whose batch is held are passed over a stretch at a time", async () => {
  const catalog = await openTestCatalog();
  await catalog.batches.start({ ...newBatch("b", { items: MANY }), paused: true });
  await Promise.all(ids(MANY).map((id) => catalog.accept(request(id), { jobId: id, batchId: "b" })));
  const pages = [...catalog.listUnfinished()];
  expect(pages.flat()).toEqual([]);
  // whoever asks has its turn between them
  expect(pages.length).toBeGreaterThanOrEqual(Math.ceil(MANY / 500));
  await catalog.batches.change("b", { paused: false });
  expect([...catalog.listUnfinished()].flat()).toHaveLength(MANY);
});

test("requests that ended after a call owe the store a sidecar until it is noted", async () => {
  const catalog = await openTestCatalog();
  for (const id of ["called", "never-called", "archived", "running"]) await accept(catalog, id);
  for (const id of ["called", "running"]) {
    await catalog.closeCall(await reserve(catalog, id), { state: "refused", failure: FAILURE, spend: true });
  }
  for (const id of ["called", "never-called"])
    await catalog.finish(id, { state: "failed", error: { code: "x", message: "x" } });
  await archiveWhole(catalog, "archived");
  expect([...catalog.listMissingSidecars()].flat()).toEqual(["called"]);
  await catalog.markSidecarWritten("called");
  expect([...catalog.listMissingSidecars()].flat()).toEqual([]);
  await catalog.retry("called");
  await catalog.finish("called", { state: "failed", error: { code: "y", message: "y" } });
  expect([...catalog.listMissingSidecars()].flat()).toEqual(["called"]);
});

test("the counts name every state, those without requests too", async () => {
  const catalog = await openTestCatalog();
  expect(catalog.counts()).toEqual({
    requests: { queued: 0, generating: 0, copying: 0, archived: 0, failed: 0, parked: 0, cancelled: 0 },
    calls: { sent: 0, answered: 0, refused: 0, unknown: 0 },
    seconds_to_nearest_loss: null,
  });
  await acceptMany(catalog, 3);
  await reserve(catalog, "r-00000");
  await archiveWhole(catalog, "r-00001");
  expect(catalog.counts()).toMatchObject({
    requests: { queued: 1, generating: 1, archived: 1 },
    calls: { sent: 1, answered: 1 },
  });
});

test("the nearest loss is that of a URL whose image is neither archived nor on disk, of a request that lives", async () => {
  const catalog = await openTestCatalog({ clock: { now: () => 1_000_000 } });
  const bring = async (id: string, expires_at: number, complete = true) => {
    await accept(catalog, id);
    await catalog.answerCall(await reserve(catalog, id), answer([0], { expires_at, complete }));
  };
  expect(catalog.secondsToNearestLoss()).toBeNull();
  await bring("later", 1_090_000);
  await bring("partly", 1_060_000, false);
  await bring("archived", 1_010_000);
  await catalog.recordAsset({ request_id: "archived", index: 0 }, asset("a"));
  await bring("on-disk", 1_020_000);
  await catalog.recordSpoolFile({ request_id: "on-disk", index: 0 }, "x.1.0");
  await bring("failed", 1_030_000);
  await catalog.finish("failed", { state: "failed", error: { code: "x", message: "x" } });
  expect(catalog.secondsToNearestLoss()).toBe(60);
  await bring("over", 999_000);
  expect(catalog.secondsToNearestLoss()).toBe(-1);
});
