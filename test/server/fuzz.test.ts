// Whatever comes, the server answers soon, in its own form, and never with 500.
import fc from "fast-check";
import { expect, test } from "vitest";
import { bulkLineSchema, errorSchema, requestSchema } from "../../src/server/schemas.ts";
import { openServed } from "./support.ts";

const RUNS = 150;
const SOON_MS = 5_000;

const name = fc.constantFrom(
  "request_id",
  "prompt",
  "model",
  "n",
  "aspect_ratio",
  "seed",
  "steps",
  "guidance_scale",
  "negative_prompt",
  "response_format",
  "collection",
  "tags",
  "metadata",
  "reuse",
  "webhook_url",
  "size",
  "stream",
  "user",
  "__proto__",
);
const value = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.constantFrom<unknown>(
      "a fox",
      1,
      42,
      "16:9",
      true,
      null,
      "",
      -1,
      1e308,
      "url",
      [],
      {},
      "https://example.com",
    ),
  },
  { weight: 2, arbitrary: fc.jsonValue({ maxDepth: 6, stringUnit: "binary" }) },
  {
    weight: 1,
    arbitrary: fc
      .integer({ min: 1, max: 3_000 })
      .map((levels) => JSON.parse(`${"[".repeat(levels)}${"]".repeat(levels)}`)),
  },
);
const body = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .array(fc.tuple(name, value), { maxLength: 8 })
      .map((fields) => JSON.stringify(Object.fromEntries([["prompt", "a fox"], ...fields]))),
  },
  { weight: 2, arbitrary: fc.json() },
  { weight: 1, arbitrary: fc.string({ unit: "binary" }) },
);

test("bodies of requests", { timeout: 120_000 }, async () => {
  const { ask } = await openServed();
  await fc.assert(
    fc.asyncProperty(
      body,
      fc.constantFrom("application/json", "application/json; charset=utf-8", "text/plain"),
      async (text, type) => {
        const signal = AbortSignal.timeout(SOON_MS);
        const answer = await ask("/v1/requests", {
          method: "POST",
          body: text,
          headers: { "content-type": type },
          signal,
        });
        expect([200, 202, 400, 409, 413, 415, 422]).toContain(answer.status);
        const json = await answer.json();
        if (answer.ok) requestSchema.parse(json);
        else errorSchema.parse(json);
      },
    ),
    { numRuns: RUNS },
  );
});

test("lines of a bulk", { timeout: 120_000 }, async () => {
  const { ask } = await openServed();
  await fc.assert(
    fc.asyncProperty(fc.array(fc.oneof(body, fc.constant("\n\r\n")), { maxLength: 10 }), async (lines) => {
      const answer = await ask("/v1/requests/bulk", {
        method: "POST",
        body: lines.join("\n"),
        headers: { "content-type": "application/x-ndjson" },
        signal: AbortSignal.timeout(SOON_MS),
      });
      expect(answer.status).toBe(200);
      const answers = (await answer.text()).split("\n").filter((line) => line !== "");
      for (const line of answers) {
        const parsed = bulkLineSchema.parse(JSON.parse(line));
        if ("error" in parsed) expect(parsed.error.type).not.toBe("server_error");
      }
    }),
    { numRuns: RUNS / 3 },
  );
});

test("bodies for images that do not fit", { timeout: 120_000 }, async () => {
  const { ask } = await openServed();
  // "n" of 9 never fits, so that nobody waits for a worker that is not there
  const unfit = fc
    .array(fc.tuple(name, value), { maxLength: 8 })
    .map((fields) => JSON.stringify({ ...Object.fromEntries(fields), n: 9 }));
  await fc.assert(
    fc.asyncProperty(fc.oneof(unfit, fc.string({ unit: "binary" })), async (text) => {
      const headers = { "content-type": "application/json" };
      const answer = await ask("/v1/images/generations", {
        method: "POST",
        body: text,
        headers,
        signal: AbortSignal.timeout(SOON_MS),
      });
      expect([400, 422]).toContain(answer.status);
      errorSchema.parse(await answer.json());
    }),
    { numRuns: RUNS },
  );
});

test("paths, methods, queries and headers", { timeout: 120_000 }, async () => {
  const { ask } = await openServed();
  const segment = fc.oneof(
    fc.constantFrom(
      "v1",
      "requests",
      "assets",
      "bulk",
      "images",
      "generations",
      "retry",
      "content",
      "status",
      "",
      "..",
      "%00",
      "%ff",
      "%",
      "0".repeat(64),
    ),
    fc.string({ maxLength: 12 }).map(encodeURIComponent),
  );
  const path = fc.array(segment, { maxLength: 5 }).map((parts) => `/${parts.join("/")}`);
  const query = fc.constantFrom(
    "",
    "?",
    "?wait=1ms",
    "?wait=%00",
    "?limit=1e9",
    "?cursor=%ff",
    "?cursor=e30",
    "?state=&x",
    "?signature=%F0",
  );
  const headers = fc.dictionary(
    fc.constantFrom("range", "if-none-match", "if-range", "idempotency-key", "authorization", "x-request-id", "accept"),
    fc.string({ unit: "grapheme-ascii", maxLength: 20 }),
    { maxKeys: 3 },
  );
  const method = fc.constantFrom("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS");
  await fc.assert(
    fc.asyncProperty(path, query, headers, method, async (at, search, given, verb) => {
      const answer = await ask(at + search, { method: verb, headers: given, signal: AbortSignal.timeout(SOON_MS) });
      expect([at, answer.status < 500]).toEqual([at, true]);
      await answer.arrayBuffer();
    }),
    { numRuns: RUNS * 2 },
  );
});
