import { expect, test } from "vitest";
import { RejectedError } from "../../../src/domain/errors.ts";
import { toRecordable } from "../../../src/domain/request/bounded-json.ts";
import { accept, found, openTestCatalog, request } from "../support.ts";

test("a request is recorded with everything it says", async () => {
  const catalog = await openTestCatalog({ clock: { now: () => 1234 } });
  const fields = {
    prompt: "zwölf \u0000 Boxkämpfer 🦊",
    n: 3,
    aspect_ratio: "16:9" as const,
    seed: 42,
    steps: 30,
    guidance_scale: 4.25,
    negative_prompt: "blur",
    response_format: "b64_json" as const,
    collection: "foxes",
    tags: ["a", "ä"],
    metadata: { deep: [1, null, { x: "y" }] },
    reuse: false,
    webhook_url: "https://hooks.test/x?token=t",
  };
  const wanted = request("r-1", fields);
  const accepted = await catalog.accept(wanted, { jobId: "req-r-1", batchId: "b-1" });
  expect(await found(catalog, "r-1")).toEqual(accepted);
  expect(accepted.request).toMatchObject({
    ...wanted,
    state: "queued",
    attempt: 0,
    batch_id: "b-1",
    job_id: "req-r-1",
  });
  expect(accepted.request).toMatchObject({ created_at: 1234, updated_at: 1234, archived_at: null, error: null });
});

test("the same id with the same content is accepted once, and keeps the seed that was drawn first", async () => {
  const catalog = await openTestCatalog();
  const first = await accept(catalog, "r-1");
  const again = { ...request("r-1"), recipe: { ...first.request.recipe, seed: 1 } } as ReturnType<typeof request>;
  const second = await catalog.accept(again, { jobId: "another" });
  expect(second).toEqual(first);
  expect(catalog.counts().requests.queued).toBe(1);
});

test("the same id with other content is a conflict, and changes nothing", async () => {
  const catalog = await openTestCatalog();
  const first = await accept(catalog, "r-1");
  const refused = accept(catalog, "r-1", { prompt: "a blue fox" });
  await expect(refused).rejects.toThrow(RejectedError);
  await expect(refused).rejects.toMatchObject({ code: "request_id_conflict" });
  expect(await found(catalog, "r-1")).toEqual(first);
});

test("the same id from many producers at once is one request", async () => {
  const catalog = await openTestCatalog();
  const all = await Promise.all(Array.from({ length: 50 }, () => accept(catalog, "r-1")));
  expect(new Set(all.map((detail) => JSON.stringify(detail))).size).toBe(1);
  expect(catalog.counts().requests.queued).toBe(1);
});

const ERROR = { code: "invalid_request", message: "prompt: wanted a string, got nothing" };

test("what did not fit is recorded as a failed request, with what was sent", async () => {
  const catalog = await openTestCatalog();
  const submitted = { promt: "typo" };
  const fault = { requestId: "job-1-9", jobId: "1", collection: "foxes", submitted, error: ERROR };
  await catalog.acceptFault(fault);
  const { request } = await found(catalog, "job-1-9");
  expect(request).toMatchObject({ state: "failed", recipe: null, recipe_id: null, error: ERROR, collection: "foxes" });
});

const DEEP: unknown = JSON.parse(`${"[".repeat(20_000)}${"]".repeat(20_000)}`);

test.each([
  ["nothing", undefined],
  ["null", null],
  ["a number", 7],
  ["a long text", "x".repeat(1_000_000)],
  ["nested thousands of levels deep", DEEP],
  ["a collection that is no name", { collection: 7 }],
  ["lone surrogates", { prompt: "\ud800", collection: "\udfff" }],
])("data that did not fit can be recorded whatever it is: %s", async (_, submitted) => {
  const catalog = await openTestCatalog();
  await catalog.acceptFault({
    requestId: "f",
    jobId: "1",
    collection: "default",
    submitted: toRecordable(submitted),
    error: ERROR,
  });
  expect((await found(catalog, "f")).request).toMatchObject({ state: "failed", error: ERROR });
});

test("a fault never touches a request that holds its id", async () => {
  const catalog = await openTestCatalog();
  const before = await accept(catalog, "r-1");
  await catalog.acceptFault({ requestId: "r-1", jobId: "1", collection: "default", submitted: {}, error: ERROR });
  expect(await found(catalog, "r-1")).toEqual(before);
});
