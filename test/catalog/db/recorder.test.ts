// The recorder is the catalog's port on a thread: the same answers, the same errors, and durable when it says so.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { encodeItem } from "../../../src/catalog/batches/encoded-items.ts";
import { type OpenCatalog, openCatalog } from "../../../src/catalog/catalog.ts";
import { openRecorder, type Recorder } from "../../../src/catalog/db/recorder.ts";
import { RejectedError } from "../../../src/domain/errors.ts";
import { parseSubmission, type Request, toRequest } from "../../../src/domain/request/submission.ts";

let folder: string;
let file: string;
let catalog: OpenCatalog;
let recorder: Recorder;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "asset-archiver-recorder-"));
  file = join(folder, "catalog.db");
  catalog = openCatalog({ file });
  recorder = openRecorder(catalog, { file });
});

afterEach(async () => {
  await recorder.close();
  catalog.close();
  await rm(folder, { recursive: true, force: true });
});

function request(requestId: string, prompt = "a red fox"): Request {
  return toRequest(parseSubmission({ prompt }), { requestId, random: () => 0.5 });
}

test("what the recorder has accepted, every other connection sees", async () => {
  const accepted = await recorder.accept(request("r-1"), { jobId: "req-r-1" });
  expect(accepted.request.state).toBe("queued");
  expect(await catalog.find("r-1")).toEqual(accepted);
  expect(await recorder.find("r-1")).toEqual(accepted);
});

test("a call it reserves belongs to the worker of this process", async () => {
  await recorder.accept(request("r-1"), { jobId: "req-r-1" });
  const reservation = await recorder.reserveCall("r-1", { n: 1, seed: 7 });
  expect(reservation).toMatchObject({ kind: "reserved", call: { state: "sent", worker_id: catalog.workerId } });
});

test("an error keeps its class, its code and its message", async () => {
  await recorder.accept(request("r-1"), { jobId: "req-r-1" });
  const conflict = recorder.accept(request("r-1", "another prompt"), { jobId: "req-r-1" });
  await expect(conflict).rejects.toBeInstanceOf(RejectedError);
  await expect(conflict).rejects.toMatchObject({
    code: "request_id_conflict",
    message: expect.stringContaining('"r-1"'),
  });
});

test("of equal requests that arrive together one is recorded, and all are told of that one", async () => {
  const equal = Array.from({ length: 40 }, (_, index) => ({
    ...request("r-1"),
    recipe: { ...request("r-1").recipe, seed: index },
  }));
  const other = recorder.accept(request("r-2"), { jobId: "req-r-2" });
  const all = await Promise.all(equal.map((one) => recorder.accept(one, { jobId: "req-r-1" })));
  expect(new Set(all.map((detail) => JSON.stringify(detail)))).toEqual(
    new Set([JSON.stringify(await catalog.find("r-1"))]),
  );
  expect((await other).request.request_id).toBe("r-2");
  expect(catalog.counts().requests.queued).toBe(2);
});

test("one that takes the id of another among those that arrive together is refused alone", async () => {
  const asked = [request("r-1"), request("r-2"), request("r-1", "another prompt"), request("r-3")];
  const ends = await Promise.allSettled(asked.map((one) => recorder.accept(one, { jobId: `req-${one.request_id}` })));
  expect(ends.map(({ status }) => status)).toEqual(["fulfilled", "fulfilled", "rejected", "fulfilled"]);
  expect(ends[2]).toMatchObject({ reason: { code: "request_id_conflict" } });
  expect((await catalog.find("r-1"))?.request.recipe?.prompt).toBe("a red fox");
});

test("one that the tables refuse leaves those alone that arrive with it", async () => {
  const broken = { ...request("r-2"), recipe: { ...request("r-2").recipe, seed: -1 } };
  const asked = [request("r-1"), broken, request("r-3")];
  const ends = await Promise.allSettled(asked.map((one) => recorder.accept(one, { jobId: `req-${one.request_id}` })));
  expect(ends.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  expect(catalog.counts().requests.queued).toBe(2);
  expect(await catalog.find("r-2")).toBeUndefined();
});

test("one that cannot be written down leaves those alone that arrive with it", async () => {
  const broken = { ...request("r-2"), metadata: { huge: 1n } } as unknown as Request;
  const asked = [request("r-1"), broken, request("r-3")];
  const ends = await Promise.allSettled(asked.map((one) => recorder.accept(one, { jobId: `req-${one.request_id}` })));
  expect(ends.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
});

test.each([
  ["that is nested too deeply to be sent", JSON.parse(`${"[".repeat(4_400)}${"]".repeat(4_400)}`)],
  ["that is not data", () => 1],
])("a write %s rejects for its caller alone", async (_, broken) => {
  await recorder.accept(request("r-1"), { jobId: "req-r-1" });
  const fault = { requestId: "f", jobId: "1", collection: "default", error: { code: "x", message: "x" } };
  const asked = [
    recorder.acceptFault({ ...fault, submitted: {} }),
    recorder.acceptFault({ ...fault, requestId: "g", submitted: broken }),
    recorder.reserveCall("r-1", { n: 1, seed: 7 }),
  ];
  const ends = await Promise.allSettled(asked);
  expect(ends.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  expect(ends[1]).toMatchObject({ reason: { message: expect.stringContaining("acceptFault") } });
  expect((await catalog.find("f"))?.request.state).toBe("failed");
});

test("writes that were asked for are committed before it is closed", async () => {
  const ids = Array.from({ length: 500 }, (_, index) => `r-${index}`);
  const all = Promise.all(ids.map((id) => recorder.accept(request(id), { jobId: `req-${id}` })));
  await recorder.close();
  expect((await all).map((detail) => detail.request.request_id)).toEqual(ids);
  expect(catalog.counts().requests.queued).toBe(500);
});

test("the bytes of an answer stay on this side", async () => {
  await recorder.accept(request("r-1"), { jobId: "req-r-1" });
  const reservation = await recorder.reserveCall("r-1", { n: 1, seed: 7 });
  if (reservation.kind !== "reserved") throw new Error("wanted a reservation");
  const answer = {
    created: 1_750_667_997,
    images: [{ bytes: Buffer.alloc(1024) }],
    usage: { input_tokens_details: {} },
    http_status: 200,
    api_request_id: "req_1",
  };
  const images = [{ index: 0, url: null, spool_file: "r-1.1.0", expires_at: null }];
  const detail = await recorder.answerCall(reservation.call, { answer, images, expires_at: null, complete: true });
  expect(detail).toMatchObject({
    request: { state: "copying" },
    generations: [{ api_created: 1_750_667_997, usage: { input_tokens_details: {} } }],
    images: [{ index: 0, spool_file: "r-1.1.0" }],
  });
  expect(answer.images[0]?.bytes).toHaveLength(1024);
});

test("what upkeep writes while jobs run is written on the thread, too", async () => {
  await catalog.register();
  await recorder.accept(request("r-1", "a red fox in fresh snow"), { jobId: "req-r-1" });
  await recorder.beat();
  expect(catalog.listLiveWorkers()).toContain(catalog.workerId);
  expect(await recorder.indexTexts()).toBe(1);
  expect(await recorder.indexTexts()).toBe(0);
  expect(await recorder.settleAllDeadCalls()).toBe(0);
});

test("the number of unarchived images is at most a tenth of a second old", async () => {
  expect(await recorder.countUnarchivedImages()).toBe(0);
  await recorder.accept(request("r-1"), { jobId: "req-r-1" });
  await recorder.reserveCall("r-1", { n: 1, seed: 7 });
  await vi.waitFor(async () => expect(await recorder.countUnarchivedImages()).toBe(1));
});

test("items of a batch go to the thread as bytes; told means committed, and what is known is told as such", async () => {
  const batch = { batch_id: "b", name: "b", manifest: "m", manifest_digest: "d", schedule: null, items: 2, invalid: 0 };
  await catalog.batches.start(batch);
  const items = ["r-1", "r-2"].map((id, index) =>
    encodeItem({ item: index + 1, request: request(id, `picture ${id}`) }),
  );
  const lines = Buffer.from(items.map((item) => `${JSON.stringify(item)}\n`).join(""));
  expect(await recorder.acceptEncoded("b", lines)).toEqual({ fresh: ["r-1", "r-2"], known: [] });
  expect((await catalog.find("r-2"))?.request).toMatchObject({
    batch_id: "b",
    batch_item: 2,
    recipe: { prompt: "picture r-2" },
    tags: [],
    metadata: {},
  });
  const again = await recorder.acceptEncoded("b", lines);
  expect(again.fresh).toEqual([]);
  expect(again.known.map(({ request_id, as, job }) => [request_id, as, job])).toEqual([
    ["r-1", "ours", "generate"],
    ["r-2", "ours", "generate"],
  ]);
});
