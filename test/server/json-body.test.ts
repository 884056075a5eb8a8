// Bodies as somebody may send them: what cannot be kept as it was written is refused, and what is refused costs nobody else anything.
import { describe, expect, test } from "vitest";
import { errorOf, openServed } from "./support.ts";

const JSON_TYPE = { "content-type": "application/json" };

/** A body for each way in, and what is refused in it. */
const BODIES = [
  [
    "an integer beyond 2^53",
    '{"prompt":"a","metadata":{"message_id":1234567890123456789}}',
    "metadata.message_id",
    "got 1234567890123456789",
  ],
  [
    "the first integer that is not exact",
    '{"prompt":"a","metadata":[9007199254740993]}',
    "metadata.0",
    "got 9007199254740993",
  ],
  [
    "a fraction of too many digits",
    '{"prompt":"a","metadata":{"x":0.12345678901234567890123}}',
    "metadata.x",
    "got 0.1234",
  ],
  ["a number that is no float", '{"prompt":"a","metadata":{"x":1e999}}', "metadata.x", "got 1e999"],
  ["a seed that would be rounded", '{"prompt":"a","seed":1234567890123456789}', "seed", "got 1234567890123456789"],
  ["a name __proto__", '{"prompt":"a","metadata":{"__proto__":{"a":1}}}', "metadata.__proto__", "__proto__"],
  ["a field __proto__", '{"prompt":"a","__proto__":{"n":4}}', "__proto__", "__proto__"],
  ["a name twice", '{"prompt":"a","n":1,"n":4}', "n", "each name once"],
] as const;

describe.each(BODIES)("%s", (_, body, field, message) => {
  test.each(["/v1/requests", "/v1/images/generations"])("is a fault that names it at %s", async (path) => {
    const { post } = await openServed();
    const answer = await post(path, body);
    expect(answer.status).toBe(422);
    expect((await errorOf(answer)).faults).toEqual([{ field, message: expect.stringContaining(message) }]);
  });

  test("is a fault of its line alone in a bulk", async () => {
    const { ask } = await openServed();
    const lines = ['{"prompt":"first"}', body, '{"prompt":"third"}'].join("\n");
    const headers = { "content-type": "application/x-ndjson" };
    const answer = await ask("/v1/requests/bulk", { method: "POST", body: lines, headers });
    const answers = (await answer.text())
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(answers).toMatchObject([{ state: "queued" }, { error: { faults: [{ field }] } }, { state: "queued" }]);
  });
});

test("what cannot be kept is reported together with the other faults", async () => {
  const { post } = await openServed();
  const answer = await post(
    "/v1/requests",
    '{"n":9,"seed":1234567890123456789,"metadata":{"a":{"b":12345678901234567890}}}',
  );
  const fields = (await errorOf(answer)).faults?.map((fault) => fault.field);
  expect(fields?.toSorted()).toEqual(["metadata.a.b", "n", "prompt", "seed"]);
});

test("numbers that are exact are kept as they are", async () => {
  const { post } = await openServed();
  const metadata = { max: Number.MAX_SAFE_INTEGER, min: -Number.MAX_SAFE_INTEGER, price: 2.5, tiny: 1e-7, tenth: 0.1 };
  const answer = await post("/v1/requests", { prompt: "a", metadata });
  expect(answer.status).toBe(202);
  expect(await answer.json()).toMatchObject({ metadata });
  // as languages print a float that want to be sure
  expect((await post("/v1/requests", '{"prompt":"a","metadata":{"x":0.10000000000000001}}')).status).toBe(202);
});

test.each([
  ["Latin-1", Buffer.from('{"prompt":"caf\xe9"}', "latin1")],
  ["cut within a character", Buffer.concat([Buffer.from('{"prompt":"caf'), Buffer.from([0xc3]), Buffer.from('"}')])],
  [
    "a surrogate in UTF-8",
    Buffer.concat([Buffer.from('{"prompt":"'), Buffer.from([0xed, 0xa0, 0x80]), Buffer.from('"}')]),
  ],
  ["UTF-16 without a byte order mark", Buffer.from('{"prompt":"a"}', "utf16le")],
])("bytes that are not UTF-8 are refused: %s", async (_, body) => {
  const { ask } = await openServed();
  const answer = await ask("/v1/requests", { method: "POST", body, headers: JSON_TYPE });
  expect(answer.status).toBe(400);
  expect(await errorOf(answer)).toMatchObject({ code: "invalid_json" });
});

test("a byte order mark is dropped", async () => {
  const { ask } = await openServed();
  const answer = await ask("/v1/requests", { method: "POST", body: '\ufeff{"prompt":"a"}', headers: JSON_TYPE });
  expect(answer.status).toBe(202);
});

const MIB = 1024 * 1024;
const filled = (start: string, part: string, end: string) =>
  start + new Array(Math.floor((MIB - start.length - end.length) / (part.length + 1))).fill(part).join(",") + end;

test.each([
  ["tags that are numbers", filled('{"prompt":"a","tags":[', "1", "]}")],
  ["metadata of empty lists", filled('{"prompt":"a","metadata":[', "[]", "]}")],
  ["metadata of numbers that cannot be kept", filled('{"prompt":"a","metadata":[', "12345678901234567890", "]}")],
  ["fields that nobody knows", `{${Array.from({ length: 60_000 }, (_, at) => `"field-${at}":1`).join(",")}}`],
  ["names that are there twice", filled("{", '"n":1', "}")],
  ["lone surrogates", filled('{"prompt":"a","metadata":[', '"\\ud800"', "]}")],
])("a MiB of faults has a short answer, and is answered quickly: %s", async (_, body) => {
  const { post } = await openServed();
  // the first exchange loads and compiles
  await post("/v1/requests", "{}");
  const begun = performance.now();
  const answer = await post("/v1/requests", body);
  const elapsedMs = performance.now() - begun;
  expect(answer.status).toBe(422);
  const text = await answer.text();
  expect(text.length).toBeLessThan(32_000);
  expect(JSON.parse(text).error.faults.length).toBeLessThanOrEqual(50);
  expect(elapsedMs).toBeLessThan(1_000);
});

test.each([100, 3_300, 4_400, 300_000])("%i levels are a fault at every route that takes a body", async (levels) => {
  const { post } = await openServed();
  const deep = "[".repeat(levels) + "]".repeat(levels);
  for (const body of [
    `{"prompt":"a","metadata":${deep}}`,
    `{"prompt":${deep}}`,
    `{"prompt":"a","other":${deep}}`,
    deep,
  ]) {
    for (const path of ["/v1/requests", "/v1/images/generations"]) expect((await post(path, body)).status).toBe(422);
  }
  expect((await post("/v1/requests", { prompt: "a" })).status).toBe(202);
});

test.each([".", ".."])("a request id that no path can name is refused: %s", async (request_id) => {
  const { post } = await openServed();
  const answer = await post("/v1/requests", { prompt: "a", request_id });
  expect(answer.status).toBe(422);
  expect(await errorOf(answer)).toMatchObject({ param: "request_id" });
  expect((await post("/v1/requests", { prompt: "a" }, { "idempotency-key": request_id })).status).toBe(422);
});

test.each(["...", "..a", ".a", "-", "bulk", "a.", "..-"])(
  "any other id can be shown and cancelled: %s",
  async (request_id) => {
    const { post, ask } = await openServed();
    expect((await post("/v1/requests", { prompt: "a", request_id })).status).toBe(202);
    expect(await (await ask(`/v1/requests/${request_id}`)).json()).toMatchObject({ request_id });
    expect((await ask(`/v1/requests/${request_id}`, { method: "DELETE" })).status).toBe(200);
  },
);
