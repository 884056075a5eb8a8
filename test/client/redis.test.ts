// The client straight to the queue: what lies in Redis afterwards, and what it says of what it finds there.
import { createServer } from "node:net";
import { Queue, Worker } from "bullmq";
import { expect, inject, onTestFinished, test } from "vitest";
import { createClient, type KnownRequest, RejectedError, type SubmissionInput } from "../../src/client.ts";
import { parseSubmission } from "../../src/domain/request/submission.ts";
import { collect } from "../support/collect.ts";
import { closedOrigin, start } from "../support/servers.ts";
import { openBusyWorld } from "../support/world.ts";

let prefixes = 0;

function open() {
  const prefix = `{client-${process.pid}-${prefixes++}}`;
  const redisUrl = inject("redisUrl");
  const client = createClient({ redisUrl, queuePrefix: prefix });
  const connection = { url: redisUrl };
  const generate = new Queue("generate", { prefix, connection });
  const archive = new Queue("archive", { prefix, connection });
  onTestFinished(async () => {
    await Promise.all([client.close(), generate.close(), archive.close()]);
  });
  return { client, generate, archive, prefix, connection };
}

/** Runs a queue with a processor of the test's own, in place of a stage. */
function run(queue: string, { prefix, connection }: ReturnType<typeof open>, process: (data: unknown) => unknown) {
  const worker = new Worker(queue, async (job) => process(job.data), { prefix, connection });
  onTestFinished(() => worker.close());
}

const RESULT = {
  request_id: "fox",
  recipe_id: "r",
  seed: 7,
  assets: [{ index: 0, digest: "d", key: "k", bytes: 1, content_type: "image/png", width: 1, height: 1 }],
};

const REDIS_ROUND = 60_000;

test("a request lies in the queue as it was written, with its id, under our job id", async () => {
  const { client, generate } = open();
  const found = await client.enqueue({ prompt: "a fox", request_id: "fox", tags: ["x"] });
  expect(found).toEqual({ request_id: "fox", state: "queued", error: null, recipe_id: null, assets: null });
  expect((await generate.getJob("req-fox"))?.data).toEqual({ prompt: "a fox", request_id: "fox", tags: ["x"] });
});

test("a request without an id gets one", async () => {
  const { client, generate } = open();
  const [one, other] = await Promise.all([client.enqueue({ prompt: "a" }), client.enqueue({ prompt: "a" })]);
  expect(one.request_id).not.toBe(other.request_id);
  const job = await generate.getJob(`req-${one.request_id}`);
  expect(parseSubmission(job?.data)).toMatchObject({ request_id: one.request_id, prompt: "a" });
});

test("the same id with the same content is a no-op, defaults written out or not", async () => {
  const { client, generate } = open();
  await client.enqueue({ prompt: "a fox", request_id: "fox" });
  await client.enqueue({ prompt: "a fox", request_id: "fox", n: 1, collection: "default" });
  expect(await generate.count()).toBe(1);
});

test("the same id with other content is a conflict", async () => {
  const { client } = open();
  await client.enqueue({ prompt: "a fox", request_id: "fox" });
  await expect(client.enqueue({ prompt: "a wolf", request_id: "fox" })).rejects.toMatchObject({
    name: "RejectedError",
    code: "request_id_conflict",
  });
});

test("what does not fit is refused with every fault, without Redis", async () => {
  const redisUrl = (await closedOrigin()).replace("http", "redis");
  const client = createClient({ redisUrl });
  const refused = client.enqueue({ prompt: "", steps: 99 });
  await expect(refused).rejects.toThrow(RejectedError);
  await expect(refused).rejects.toMatchObject({
    code: "invalid_request",
    faults: [{ field: "prompt" }, { field: "steps" }],
  });
});

test.each(["cancel", "retry"] as const)("%s says that it needs HTTP", async (verb) => {
  const { client } = open();
  await expect(client[verb]("fox")).rejects.toMatchObject({
    code: "needs_http",
    message: expect.stringMatching(/createClient\(\{ url \}\)/),
  });
});

test("find says that it needs HTTP", async () => {
  const { client } = open();
  await expect(client.find().next()).rejects.toMatchObject({ code: "needs_http" });
});

test("a bulk goes in chunk by chunk, and no more is read than is sent", async () => {
  const { client, generate } = open();
  let read = 0;
  async function* requests(): AsyncGenerator<SubmissionInput> {
    for (; read < 1_000_000; read++) yield { prompt: `picture ${read}`, request_id: `p-${read}` };
  }
  let results = 0;
  for await (const result of client.enqueueBulk(requests(), { chunkSize: 100 })) {
    expect(result).toMatchObject({ index: results, ok: true, request_id: `p-${results}` });
    expect(read).toBeLessThanOrEqual((Math.floor(results / 100) + 1) * 100);
    if (++results === 250) break;
  }
  expect(await generate.count()).toBe(300);
});

test("a bulk names those that do not fit or conflict, and takes the rest", async () => {
  const { client, generate } = open();
  await client.enqueue({ prompt: "other", request_id: "taken" });
  const requests = [
    { prompt: "a", request_id: "a" },
    { prompt: "", request_id: "b" },
    { prompt: "c", request_id: "taken" },
    { prompt: "d", n: 9 },
    { prompt: "e" },
  ];
  const results = await collect(client.enqueueBulk(requests));
  expect(results.map((one) => [one.index, one.ok, one.ok ? null : one.error.code])).toEqual([
    [0, true, null],
    [1, false, "invalid_request"],
    [2, false, "request_id_conflict"],
    [3, false, "invalid_request"],
    [4, true, null],
  ]);
  expect(results[3]).toMatchObject({ error: { faults: [{ field: "n" }] } });
  expect(await generate.count()).toBe(3);
});

test("a bulk of nothing is nothing", async () => {
  expect(await collect(open().client.enqueueBulk([]))).toEqual([]);
});

test.each([0, 1001, 1.5])("a chunk of %s is refused", async (chunkSize) => {
  const results = open().client.enqueueBulk([{ prompt: "a" }], { chunkSize });
  await expect(results.next()).rejects.toMatchObject({ code: "invalid_request" });
});

const ARCHIVED: KnownRequest = {
  request_id: "fox",
  state: "archived",
  error: null,
  recipe_id: "r",
  seed: 7,
  assets: RESULT.assets as KnownRequest["assets"],
};

/** A wait through both stages, begun when nothing has happened yet or when all is over. */
test.each(["before", "after"] as const)("wait finds the end of a request when it began %s it", async (begun) => {
  const world = open();
  const { client, archive } = world;
  await client.enqueue({ prompt: "a fox", request_id: "fox" });
  const early = begun === "before" ? client.wait("fox", { timeoutMs: REDIS_ROUND }) : undefined;
  run("generate", world, async () => {
    await archive.add("archive", { request_id: "fox" }, { jobId: "req-fox" });
    return { request_id: "fox", state: "copying" };
  });
  run("archive", world, () => RESULT);
  await expect.poll(() => archive.getJobState("req-fox"), { timeout: REDIS_ROUND }).toBe("completed");
  expect(await (early ?? client.wait("fox", { timeoutMs: REDIS_ROUND }))).toEqual(ARCHIVED);
  expect(await client.get("fox")).toEqual(ARCHIVED);
});

test.each([
  [
    "failed",
    () => Promise.reject(new Error("content_policy: The API refuses")),
    { code: "content_policy", message: "The API refuses" },
  ],
  ["parked", () => ({ parked: "Nobody knows" }), { code: "parked", message: "Nobody knows" }],
  ["cancelled", () => ({ request_id: "fox", state: "cancelled" }), null],
])("wait tells of a request that is %s", async (state, process, error) => {
  const world = open();
  await world.client.enqueue({ prompt: "a fox", request_id: "fox" });
  run("generate", world, process);
  expect(await world.client.wait("fox", { timeoutMs: REDIS_ROUND })).toMatchObject({ state, error });
});

test("wait says so when Redis has forgotten how it ended", async () => {
  const world = open();
  await world.client.enqueue({ prompt: "a fox", request_id: "fox" });
  run("generate", world, () => ({ request_id: "fox", state: "copying" }));
  await expect(world.client.wait("fox", { timeoutMs: REDIS_ROUND })).rejects.toMatchObject({
    code: "request_not_found",
    message: expect.stringMatching(/forgotten/),
  });
});

test("wait says so when there is no such job, or it was removed on the way", async () => {
  const { client, generate } = open();
  await expect(client.wait("nobody")).rejects.toMatchObject({ code: "request_not_found" });
  await client.enqueue({ prompt: "a fox", request_id: "fox" });
  const waiting = client.wait("fox");
  await generate.remove("req-fox");
  await expect(waiting).rejects.toMatchObject({ code: "request_not_found" });
  expect(await client.get("fox")).toBeUndefined();
});

test("wait ends at its timeout, and at once with its signal", async () => {
  const { client } = open();
  await client.enqueue({ prompt: "a fox", request_id: "fox" });
  await expect(client.wait("fox", { timeoutMs: 50 })).rejects.toMatchObject({ code: "wait_timeout" });
  const controller = new AbortController();
  const waiting = client.wait("fox", { signal: controller.signal });
  controller.abort(new Error("enough"));
  await expect(waiting).rejects.toThrow("enough");
  await expect(client.wait("fox", { signal: controller.signal })).rejects.toThrow("enough");
});

test("a Redis that is away is a clear error, soon", async () => {
  const redisUrl = (await closedOrigin()).replace("http://", "redis://user:secret@");
  const client = createClient({ redisUrl });
  onTestFinished(() => client.close());
  const away = { name: "TransientError", code: "redis_unreachable", message: expect.not.stringContaining("secret") };
  await expect(client.enqueue({ prompt: "a" })).rejects.toMatchObject(away);
  await expect(client.get("a")).rejects.toMatchObject(away);
  await expect(client.wait("a")).rejects.toMatchObject(away);
  await expect(client.enqueueBulk([{ prompt: "a" }]).next()).rejects.toMatchObject(away);
});

test("a Redis that takes connections and says nothing is a clear error, soon", async () => {
  const origin = await start(createServer(() => undefined));
  const client = createClient({ redisUrl: origin.replace("http", "redis") });
  onTestFinished(() => client.close());
  const begun = performance.now();
  await expect(client.enqueue({ prompt: "a" })).rejects.toMatchObject({ code: "redis_unreachable" });
  expect(performance.now() - begun).toBeLessThan(8_000);
});

test("a closed client says so", async () => {
  const { client } = open();
  await client.enqueue({ prompt: "a" });
  await client.close();
  await client.close();
  await expect(client.get("a")).rejects.toMatchObject({ code: "client_closed" });
});

test.each([{}, { url: "ftp://x" }, { redisUrl: "127.0.0.1:6379" }])(
  "options that fit nothing are refused: %o",
  (options) => {
    expect(() => createClient(options as { url: string })).toThrow(/Cannot create a client/);
  },
);

test("a real worker takes what it hands over, and its wait knows the seed and the assets", async () => {
  const { redisUrl, prefix, app } = await openBusyWorld();
  const client = createClient({ redisUrl, queuePrefix: prefix });
  onTestFinished(() => client.close());
  const { request_id } = await client.enqueue({ prompt: "a fox", n: 2, seed: 42 });
  const found = await client.wait(request_id, { timeoutMs: REDIS_ROUND });
  expect(found).toMatchObject({ state: "archived", seed: 42, assets: [{ index: 0 }, { index: 1 }] });
  expect((await app.catalog().find(request_id))?.request.state).toBe("archived");
});
