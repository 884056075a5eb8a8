import { expect, test } from "vitest";
import type { OpenCatalog } from "../../../src/catalog/catalog.ts";
import type { Request } from "../../../src/domain/request/submission.ts";
import { answerOf, beginWith, newBatch, openTestCatalog, requestOf } from "./support.ts";

const ERROR = { code: "content_policy_violation", message: "no" };

/** Brings a request to its end without a worker. */
async function archive(catalog: OpenCatalog, id: string): Promise<void> {
  const reserved = await catalog.reserveCall(id, { n: 1, seed: 1 });
  if (reserved.kind !== "reserved") throw new Error(reserved.kind);
  await catalog.answerCall(reserved.call, answerOf(1));
  const digest = Buffer.from(id).toString("hex").padEnd(64, "0");
  const asset = {
    digest,
    key: `images/${digest}`,
    bytes: 1,
    content_type: "image/png",
    width: 1,
    height: 1,
    phash: "0123456789abcdef",
    archived_at: 1,
  } as const;
  await catalog.recordAsset({ request_id: id, index: 0 }, asset);
  await catalog.finish(id, { state: "archived" });
}

function take(catalog: OpenCatalog, batchId: string, requests: readonly Request[]) {
  const items = requests.map((request, index) => ({ request, item: index + 1 }));
  return catalog.batches.acceptItems(batchId, items);
}

test("each item is taken as what the catalog knows of it", async () => {
  await using place = await openTestCatalog();
  const { catalog } = place;
  const old = ["archived", "failed", "cancelled", "parked", "queued"].map((id) => requestOf(id));
  await beginWith(catalog, newBatch("old"), old);
  await archive(catalog, "archived");
  await catalog.finish("failed", { state: "failed", error: ERROR });
  await catalog.finish("cancelled", { state: "cancelled", error: ERROR });
  await catalog.finish("parked", { state: "parked", error: ERROR });
  await catalog.accept(requestOf("alone"), { jobId: "req-alone" });
  await catalog.accept(requestOf("other"), { jobId: "req-other" });
  await catalog.batches.start(newBatch("new"));
  const all = [...old, requestOf("alone"), requestOf("other", { steps: 3 }), requestOf("fresh"), requestOf("fresh")];
  const taken = await take(catalog, "new", all);
  expect(taken.map(({ request_id, as, job }) => [request_id, as, job])).toEqual([
    ["archived", "existing", null],
    ["failed", "retried", "generate"],
    ["cancelled", "retried", "generate"],
    ["parked", "elsewhere", null],
    ["queued", "accepted", "generate"],
    ["alone", "elsewhere", null],
    ["other", "conflict", null],
    ["fresh", "accepted", "generate"],
    ["fresh", "duplicate", null],
  ]);
  expect(catalog.batches.find("new")).toMatchObject({
    accepted: 2,
    retried: 2,
    existing: 1,
    owned_elsewhere: 2,
    duplicates: 1,
    invalid: 1,
  });
  // emptied of all that was unfinished, the old one is done
  expect(catalog.batches.find("old")?.state).toBe("finished");
});

test("a manifest that is read again goes on in its batch and counts nothing twice", async () => {
  await using place = await openTestCatalog();
  const { catalog } = place;
  const requests = ["a", "b", "c", "a"].map((id) => requestOf(id));
  await catalog.batches.start(newBatch("first", { manifest_digest: "same", items: 4 }));
  await take(catalog, "first", requests.slice(0, 2));
  // killed here, and started again
  const { batch, goesOn } = await catalog.batches.start(newBatch("second", { manifest_digest: "same", items: 4 }));
  expect([batch.batch_id, goesOn]).toEqual(["first", true]);
  const taken = await take(catalog, "first", requests);
  expect(taken.map(({ as, job }) => [as, job])).toEqual([
    ["ours", "generate"],
    ["ours", "generate"],
    ["accepted", "generate"],
    ["duplicate", null],
  ]);
  expect(await catalog.batches.endEnqueuing("first")).toMatchObject({
    state: "running",
    accepted: 3,
    duplicates: 1,
    existing: 0,
  });
});

test("a batch is finished once: when its manifest has been read and its last item has ended", async () => {
  await using place = await openTestCatalog();
  const { catalog, clock } = place;
  await catalog.batches.start(newBatch("b"));
  await take(catalog, "b", [requestOf("a"), requestOf("c")]);
  await archive(catalog, "a");
  await catalog.finish("c", { state: "failed", error: ERROR });
  expect(catalog.batches.find("b")?.state).toBe("enqueuing");
  expect((await catalog.batches.endEnqueuing("b")).state).toBe("finished");
  const finished = catalog.batches.find("b")?.finished_at;
  clock.at += 1_000;
  await catalog.batches.endEnqueuing("b");
  expect(catalog.batches.find("b")?.finished_at).toBe(finished);
});

test("an item that is tried again brings its finished batch back to life, until it has ended again", async () => {
  await using place = await openTestCatalog();
  const { catalog } = place;
  await beginWith(catalog, newBatch("b"), [requestOf("a")]);
  await catalog.finish("a", { state: "failed", error: ERROR });
  expect(catalog.batches.find("b")?.state).toBe("finished");
  await catalog.retry("a");
  expect(catalog.batches.find("b")).toMatchObject({ state: "running", finished_at: null });
  await archive(catalog, "a");
  expect(catalog.batches.find("b")?.state).toBe("finished");
});

test("a manifest with nothing to do is finished at once", async () => {
  await using place = await openTestCatalog();
  await beginWith(place.catalog, newBatch("b"), []);
  expect(place.catalog.batches.find("b")?.state).toBe("finished");
});

test("of many processes one gets to write a report, and none once it is written", async () => {
  await using place = await openTestCatalog();
  const { catalog, clock } = place;
  const others = [catalog, place.open(), place.open()];
  await beginWith(catalog, newBatch("b"), []);
  const claim = () => Promise.all(others.map((one) => one.batches.claimReport("b", "finished:1")));
  expect((await claim()).filter(Boolean)).toHaveLength(1);
  expect((await claim()).filter(Boolean)).toHaveLength(0);
  // whoever claimed it was killed
  clock.at += 61_000;
  expect((await claim()).filter(Boolean)).toHaveLength(1);
  await catalog.batches.recordReport("b", { rest: "finished:1", key: "k", result: {} });
  clock.at += 61_000;
  expect((await claim()).filter(Boolean)).toHaveLength(0);
  expect(await catalog.batches.claimReport("b", "finished:2")).toBe(true);
});

test("a new night inherits what the last one left undone", async () => {
  await using place = await openTestCatalog();
  const { catalog } = place;
  await beginWith(catalog, newBatch("monday", { schedule: "nightly" }), [
    requestOf("a"),
    requestOf("b"),
    requestOf("gone"),
  ]);
  await archive(catalog, "a");
  await catalog.batches.start(newBatch("tuesday", { schedule: "nightly" }));
  expect(await catalog.batches.adoptItems("tuesday")).toBe(2);
  expect(catalog.batches.find("monday")?.state).toBe("finished");
  const taken = await take(catalog, "tuesday", [requestOf("a"), requestOf("b")]);
  expect(taken.map(({ as }) => as)).toEqual(["existing", "accepted"]);
  expect(catalog.batches.countItems("tuesday")).toMatchObject({ queued: 2 });
});

test("while a night inherits very much, others write", async () => {
  await using place = await openTestCatalog();
  const { catalog } = place;
  const many = Array.from({ length: 1_300 }, (_, index) => requestOf(`r-${index}`));
  await beginWith(catalog, newBatch("monday", { schedule: "nightly" }), many);
  await catalog.batches.start(newBatch("tuesday", { schedule: "nightly" }));
  const other = place.open();
  const inherited = catalog.batches.adoptItems("tuesday");
  const seen: number[] = [];
  for (let moved = 0; moved < many.length; ) {
    await other.edits.edit(`r-${seen.length}`, { note: "meanwhile" });
    moved = other.batches.countItems("tuesday").queued;
    seen.push(moved);
  }
  expect(await inherited).toBe(many.length);
  // between its pages: neither before the first nor after the last
  expect(seen.some((moved) => moved > 0 && moved < many.length)).toBe(true);
  expect(await catalog.batches.adoptItems("tuesday")).toBe(0);
  expect(catalog.batches.find("monday")?.state).toBe("finished");
});

test("of nights that begin at the same time the later one inherits, and both come to an end", async () => {
  await using place = await openTestCatalog();
  const { batches } = place.catalog;
  for (const night of ["tuesday", "monday"]) {
    await batches.start(newBatch(night, { schedule: "nightly" }));
    await take(
      place.catalog,
      night,
      Array.from({ length: 1_100 }, (_, index) => requestOf(`${night}-${index}`)),
    );
  }
  const other = place.open();
  expect(await Promise.all([batches.adoptItems("tuesday"), other.batches.adoptItems("monday")])).toEqual([0, 1_100]);
  expect(batches.countItems("monday")).toMatchObject({ queued: 2_200 });
});

test("one row that the database refuses takes back its whole chunk, and the next chunk is taken as if it had never been", async () => {
  await using place = await openTestCatalog();
  const { catalog } = place;
  await catalog.batches.start(newBatch("b", { items: 3 }));
  const good = [1, 2].map((item) => ({ item, request: requestOf(`r-${item}`) }));
  const bad = requestOf("r-3");
  const refused = { item: 3, request: { ...bad, recipe: { ...bad.recipe, seed: -5 } } };
  const taking = catalog.batches.acceptItems("b", [...good, refused]);
  await expect(taking).rejects.toMatchObject({ code: "SQLITE_CONSTRAINT_CHECK" });
  expect([...catalog.listRequests()]).toEqual([]);
  expect(catalog.batches.find("b")?.accepted).toBe(0);
  expect((await catalog.batches.acceptItems("b", good)).map(({ as }) => as)).toEqual(["accepted", "accepted"]);
  expect([...catalog.listRequests()].map(({ request_id }) => request_id)).toEqual(["r-1", "r-2"]);
});

test("a batch that is accepted whole is running with all its items, or not there at all", async () => {
  await using place = await openTestCatalog();
  const { batches } = place.catalog;
  const items = ["a", "b"].map((id, index) => ({ request: requestOf(id), item: index + 1 }));
  const taken = await batches.acceptWhole({ ...newBatch("whole"), batch_id: "whole" }, items);
  expect(taken.map(({ request_id, job }) => [request_id, job])).toEqual([
    ["a", "generate"],
    ["b", "generate"],
  ]);
  expect(batches.find("whole")).toMatchObject({ state: "running", accepted: 2 });
  const broken = { item: 2, request: { ...requestOf("d"), content_hash: null as never } };
  const half = [{ item: 1, request: requestOf("c") }, broken];
  await expect(batches.acceptWhole({ ...newBatch("half"), batch_id: "half" }, half)).rejects.toThrow();
  expect(batches.find("half")).toBeUndefined();
  expect(await place.catalog.find("c")).toBeUndefined();
});

test("an item is recorded as the very request that it would be by itself, but for its batch", async () => {
  await using place = await openTestCatalog();
  const { catalog } = place;
  const changes = {
    tags: ["a, b", "雪"],
    metadata: { deep: [1, null, '"x"'] },
    reuse: false,
    webhook_url: "https://example.com/h",
    response_format: "b64_json" as const,
    collection: "night",
  };
  const alone = requestOf("alone", { ...changes, guidance_scale: 3.25, negative_prompt: "it's" });
  const item = { ...alone, request_id: "item" };
  await catalog.accept(alone, { jobId: "req-alone" });
  await catalog.batches.start(newBatch("b"));
  await catalog.batches.acceptItems("b", [{ request: item, item: 3, reproduces: "alone" }]);
  const rows = [...catalog.listRequests()];
  const [first, second] = ["alone", "item"].map((id) => rows.find(({ request_id }) => request_id === id));
  const ofBatch = { request_id: "item", job_id: "req-item", batch_id: "b", batch_item: 3, reproduces: "alone" };
  expect(second).toEqual({ ...first, ...ofBatch });
});
