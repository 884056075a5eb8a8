// The rate limit: its arithmetic, and what a caller is told.
import { describe, expect, test } from "vitest";
import { createRateLimiter, parseRateLimit } from "../../../src/dev/sandbox/rate-limit.ts";
import { generate, openTestSandbox, readError } from "./calls.ts";

describe("a rate", () => {
  test.each([
    ["10/s", { max: 10, windowMs: 1000 }],
    ["300/m", { max: 300, windowMs: 60_000 }],
    ["5/200ms", { max: 5, windowMs: 200 }],
    ["1/2h", { max: 1, windowMs: 7_200_000 }],
    ["0/s", { max: 0, windowMs: 1000 }],
    ["10", undefined],
    ["/s", undefined],
    ["10/0s", undefined],
    ["10/d", undefined],
    ["-1/s", undefined],
  ])("%s", (text, limit) => {
    expect(parseRateLimit(text)).toEqual(limit);
  });
});

test("a window begins with its first call, and ends for all at once", () => {
  const limiter = createRateLimiter();
  const admit = (now: number) => limiter.admit({ max: 2, windowMs: 100 }, now);
  expect([admit(1000), admit(1030), admit(1040), admit(1099)]).toEqual([0, 0, 60, 1]);
  expect([admit(1100), admit(1100), admit(1150)]).toEqual([0, 0, 50]);
});

describe("429", () => {
  const now = () => Date.UTC(2026, 0, 1, 12, 0, 0, 300);

  test.each([
    ["seconds", "60"],
    ["date", "Thu, 01 Jan 2026 12:01:01 GMT"],
    ["none", null],
  ] as const)("with Retry-After as %s", async (retryAfter, wanted) => {
    const sandbox = await openTestSandbox({ rateLimit: "1/m", retryAfter, now });
    expect((await generate(sandbox)).status).toBe(200);
    const response = await generate(sandbox);
    expect(response.headers.get("retry-after")).toBe(wanted);
    expect(await readError(response)).toMatchObject({ status: 429, code: "rate_limit_exceeded" });
    expect(sandbox.bill()).toMatchObject({ calls: 2, rate_limited: 1, paid_calls: 1 });
  });

  test("ends when the window does", async () => {
    let time = now();
    const sandbox = await openTestSandbox({ rateLimit: "2/s", now: () => time });
    const statuses = async () => Promise.all([1, 2, 3].map(async () => (await generate(sandbox)).status));
    expect((await statuses()).toSorted()).toEqual([200, 200, 429]);
    time += 1000;
    expect((await statuses()).toSorted()).toEqual([200, 200, 429]);
  });
});
