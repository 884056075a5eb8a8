// Whatever lies in a job: a request, a reference to one, or a fault that somebody can see.
import fc from "fast-check";
import { expect, test } from "vitest";
import { found, openWorld, startProcess, work } from "./world.ts";

const OWN_ID = "job-1-1000";

test("a job without an id gets one of its own, and keeps it when it is delivered again", async () => {
  const world = await openWorld();
  const process = await startProcess(world);
  await work(world, process, { prompt: "a fox" });
  await work(world, process, { prompt: "a fox" });
  expect((await found(process, OWN_ID)).request).toMatchObject({ state: "archived", job_id: "1" });
  expect(world.sandbox.bill().paid_calls).toBe(1);
});

const DEEP = JSON.parse(`{"prompt":"a fox","metadata":${"[".repeat(50_000)}${"]".repeat(50_000)}}`);

test.each([
  ["nothing", undefined, /object/],
  ["null", null, /object/],
  ["a text", "a fox", /object/],
  ["a list", [{ prompt: "a fox" }], /object/],
  ["a misspelt field", { prompt: "a fox", step: 3 }, /step: unknown field, did you mean steps\?/],
  ["several faults at once", { n: 9, seed: "x" }, /prompt: .*; n: .*; seed: /],
  ["an id that may not be", { request_id: "a:b", prompt: "a fox" }, /request_id/],
  ["lone surrogates", { prompt: "a \ud800" }, /prompt: .*Unicode/],
  ["lone surrogates in a tag", { prompt: "a fox", tags: ["\udfff"] }, /tags.*Unicode/],
  ["thousands of levels", DEEP, /metadata.*levels/],
])("data that does not fit ends at once as a failed request that says why: %s", async (_, data, message) => {
  const world = await openWorld();
  const process = await startProcess(world);
  for (let deliveries = 0; deliveries < 2; deliveries++) {
    const outcome = await process.generate(data);
    expect(outcome).toMatchObject({ kind: "rejected", error: { code: "invalid_request" } });
  }
  const { request } = await found(process, OWN_ID);
  expect(request).toMatchObject({ state: "failed", error: { code: "invalid_request" }, recipe: null });
  expect(request.error?.message).toMatch(message);
  expect(process.catalog.counts().requests).toMatchObject({ failed: 1 });
});

test.each([
  ["Latin-1", { prompt: "caf\ufffd" }, Buffer.from('{"prompt":"caf\xe9"}', "latin1"), /\(data\): wanted UTF-8/],
  [
    "a large integer",
    { prompt: "a fox", metadata: { id: 1234567890123456800 } },
    Buffer.from('{"prompt":"a fox","metadata":{"id":1234567890123456789}}'),
    /metadata\.id: .*got 1234567890123456789/,
  ],
  [
    "a large integer that was not read again",
    { prompt: "a fox", metadata: [2 ** 60] },
    undefined,
    /metadata\.0: .*exactly/,
  ],
  ["a __proto__", JSON.parse('{"prompt":"a fox","metadata":{"__proto__":1}}'), undefined, /metadata\.__proto__/],
  ["an id of dots", { request_id: "..", prompt: "a fox" }, undefined, /request_id/],
])("what the queue's client changed is refused in the words of what was sent: %s", async (_, data, raw, message) => {
  const process = await startProcess(await openWorld());
  expect(await process.generate(data, { raw })).toMatchObject({ kind: "rejected" });
  expect((await found(process, OWN_ID)).request.error?.message).toMatch(message);
});

test("a replacement character that was sent as one is kept", async () => {
  const process = await startProcess(await openWorld());
  const data = { prompt: "a \ufffd" };
  await process.generate(data, { raw: Buffer.from(JSON.stringify(data)) });
  expect((await found(process, OWN_ID)).request.recipe?.prompt).toBe(data.prompt);
});

test("a fault is recorded under the id that was named, where that one is free", async () => {
  const process = await startProcess(await openWorld());
  await process.generate({ request_id: "r", n: 9 });
  expect((await found(process, "r")).request.state).toBe("failed");
});

test.each(["1", "2"])(
  "other content under an id that is taken harms nobody, and is recorded on its own (job %s)",
  async (jobId) => {
    const process = await startProcess(await openWorld());
    await process.generate({ request_id: "r", prompt: "a fox" }, { jobId: "1" });
    const before = await found(process, "r");
    const outcome = await process.generate({ request_id: "r", prompt: "an owl" }, { jobId });
    expect(outcome).toMatchObject({ kind: "rejected", error: { code: "request_id_conflict" } });
    expect(await found(process, "r")).toEqual(before);
    expect((await found(process, `job-${jobId}-1000`)).request).toMatchObject({
      state: "failed",
      error: { code: "request_id_conflict" },
    });
  },
);

test("a reference to a recorded request stands for it", async () => {
  const world = await openWorld();
  const process = await startProcess(world);
  await process.generate({ request_id: "r", prompt: "a fox" });
  expect(await process.generate({ request_id: "r" })).toMatchObject({ kind: "done" });
  expect(world.sandbox.bill().calls).toBe(1);
});

test("no data whatever makes it throw or try again", async () => {
  const process = await startProcess(await openWorld({ forceStatus: 400 }));
  let job = 0;
  await fc.assert(
    fc.asyncProperty(fc.anything(), async (data) => {
      const json = JSON.stringify(data);
      job += 1;
      const outcome = await process.generate(json === undefined ? undefined : JSON.parse(json), { jobId: String(job) });
      expect(outcome.kind).toBe("rejected");
      expect((await found(process, `job-${job}-1000`)).request.state).toBe("failed");
    }),
    { numRuns: 60 },
  );
}, 60_000);
