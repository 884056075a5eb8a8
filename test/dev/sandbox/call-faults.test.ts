// Every switch and marker that makes a call fail, and what each puts on the bill.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { rollCallFault } from "../../../src/dev/sandbox/faults.ts";
import type { SandboxOptions } from "../../../src/dev/sandbox/sandbox.ts";
import { DEFAULT_SWITCHES } from "../../../src/dev/sandbox/switches.ts";
import { type GenerationBody, generate, generateImages, openTestSandbox, readError } from "./calls.ts";

// each fault once by its switch, once by its marker
const both = (name: string): [string, SandboxOptions, string][] => [
  [`switch ${name}`, { [`${name}Rate`]: 1 }, "a fox"],
  [`marker ${name}`, {}, `a fox [${name}]`],
];

describe("a call that fails on purpose", () => {
  test.each(both("hang"))("%s is paid and never answered", async (_, options, prompt) => {
    const sandbox = await openTestSandbox(options);
    const abort = new AbortController();
    const call = generate(sandbox, { prompt, n: 2 }, { signal: abort.signal }).catch(() => "gone");
    await expect.poll(() => sandbox.bill().outcomes.hung).toBe(1);
    abort.abort();
    expect(await call).toBe("gone");
    expect(sandbox.bill()).toMatchObject({ paid_calls: 1, images: 2 });
  });

  test.each(both("reset"))("%s is paid and the connection reset", async (_, options, prompt) => {
    const sandbox = await openTestSandbox(options);
    await expect(generate(sandbox, { prompt })).rejects.toMatchObject({ cause: { code: "ECONNRESET" } });
    expect(sandbox.bill()).toMatchObject({ paid_calls: 1, outcomes: { reset: 1 } });
  });

  test.each(both("malformed"))("%s is paid and gets broken JSON", async (_, options, prompt) => {
    const sandbox = await openTestSandbox(options);
    const response = await generate(sandbox, { prompt });
    expect(response.status).toBe(200);
    await expect(response.json()).rejects.toThrow(SyntaxError);
    expect(sandbox.bill()).toMatchObject({ paid_calls: 1, outcomes: { malformed: 1 } });
  });

  test.each(both("html"))("%s gets a proxy's page and is not paid", async (_, options, prompt) => {
    const sandbox = await openTestSandbox(options);
    const response = await generate(sandbox, { prompt });
    expect([response.status, response.headers.get("content-type")]).toEqual([502, "text/html"]);
    expect(await response.text()).toMatch(/^<html>/);
    expect(sandbox.bill()).toMatchObject({ paid_calls: 0, outcomes: { proxy: 1 } });
  });

  test.each(both("empty"))("%s gets no images and pays for none", async (_, options, prompt) => {
    const sandbox = await openTestSandbox(options);
    expect(await generateImages(sandbox, { prompt, n: 3 })).toEqual([]);
    expect(sandbox.bill()).toMatchObject({ paid_calls: 0, images: 0, outcomes: { answered: 1 } });
  });

  test.each(both("short"))("%s gets and pays for one image less, but never none", async (_, options, prompt) => {
    const sandbox = await openTestSandbox(options);
    expect(await generateImages(sandbox, { prompt, n: 3 })).toHaveLength(2);
    expect(await generateImages(sandbox, { prompt, n: 1 })).toHaveLength(1);
    expect(sandbox.bill()).toMatchObject({ paid_calls: 2, images: 3 });
  });

  test("errorRate gives 500 and 503, both unpaid", async () => {
    const sandbox = await openTestSandbox({ errorRate: 1 });
    const statuses = await Promise.all(Array.from({ length: 20 }, async () => (await generate(sandbox)).status));
    expect(new Set(statuses)).toEqual(new Set([500, 503]));
    expect(sandbox.bill()).toMatchObject({ calls: 20, paid_calls: 0, outcomes: { refused: 20 } });
  });

  test("marker reject is refused by the content policy, each time", async () => {
    const sandbox = await openTestSandbox();
    for (let attempt = 1; attempt <= 2; attempt++) {
      const error = await readError(await generate(sandbox, { prompt: "a fox [reject]" }));
      expect(error).toMatchObject({ status: 400, code: "content_policy_violation" });
    }
  });

  test("marker fail is 500 each time, marker flaky 503 the first time only", async () => {
    const sandbox = await openTestSandbox();
    const statuses = async (prompt: string, fields: object = {}) => [
      (await generate(sandbox, { prompt, ...fields })).status,
      (await generate(sandbox, { prompt, ...fields })).status,
    ];
    expect(await statuses("[fail] a fox")).toEqual([500, 500]);
    expect(await statuses("[flaky] a fox")).toEqual([503, 200]);
    expect(await statuses("[flaky] another fox", { seed: 1 })).toEqual([503, 200]);
  });
});

describe("forceStatus", () => {
  test.each([
    [401, "invalid_api_key"],
    [402, "insufficient_balance"],
    [403, "permission_denied"],
    [408, "request_timeout"],
    [409, "conflict"],
    [425, "error"],
    [429, "rate_limit_exceeded"],
    [500, "internal_error"],
    [503, "service_unavailable"],
  ])("%i answers every call with it, until it is taken back", async (forceStatus, code) => {
    const sandbox = await openTestSandbox({ forceStatus });
    expect(await readError(await generate(sandbox))).toMatchObject({ status: forceStatus, code });
    sandbox.configure({ forceStatus: null });
    expect((await generate(sandbox)).status).toBe(200);
    expect(sandbox.bill()).toMatchObject({ calls: 2, paid_calls: 1 });
  });

  test("with forceBody answers with that body", async () => {
    const sandbox = await openTestSandbox({ forceStatus: 503, forceBody: "<h1>down</h1>" });
    const response = await generate(sandbox);
    expect([response.status, response.headers.get("content-type")]).toEqual([503, "text/html"]);
    expect(await response.text()).toBe("<h1>down</h1>");
  });
});

describe("balance", () => {
  test("counts images down to 402, refuses what it does not cover, and can be filled", async () => {
    const sandbox = await openTestSandbox({ balance: 3 });
    expect((await generate(sandbox, { n: 2 })).status).toBe(200);
    expect(await readError(await generate(sandbox, { n: 2 }))).toMatchObject({
      status: 402,
      code: "insufficient_balance",
    });
    expect((await generate(sandbox, { n: 1 })).status).toBe(200);
    expect((await generate(sandbox)).status).toBe(402);
    sandbox.configure({ balance: 1 });
    expect((await generate(sandbox)).status).toBe(200);
    expect(sandbox.bill().images).toBe(4);
  });

  test("holds when many calls come at once", async () => {
    const sandbox = await openTestSandbox({ balance: 5, latencyMs: 20 });
    const statuses = await Promise.all(Array.from({ length: 12 }, async () => (await generate(sandbox)).status));
    expect(statuses.filter((status) => status === 200)).toHaveLength(5);
    expect(sandbox.bill().images).toBe(5);
  });
});

describe("latency", () => {
  test("holds an answer back and strays by the jitter at most", async () => {
    const sandbox = await openTestSandbox({ latencyMs: 100, latencyJitter: 0.2 });
    await generate(sandbox);
    const [entry] = sandbox.bill().entries;
    const tookMs = (entry?.ended_at ?? 0) - (entry?.time ?? 0);
    expect(tookMs).toBeGreaterThanOrEqual(78);
  });

  test("does not hold refusals back", async () => {
    const sandbox = await openTestSandbox({ latencyMs: 3_600_000 });
    expect((await generate(sandbox, { n: 9 })).status).toBe(400);
  });
});

describe("the dice", () => {
  const switches = { ...DEFAULT_SWITCHES, hangRate: 0.1, errorRate: 0.2, shortRate: 0.3 };
  const faults = (randomSeed: number) =>
    Array.from({ length: 4000 }, (_, number) => rollCallFault({ ...switches, randomSeed }, number));

  test("strike at the rates they were given, one fault at a time", () => {
    const rolled = faults(1);
    const shareOf = (fault: string | undefined) => rolled.filter((each) => each === fault).length / rolled.length;
    expect(shareOf("hang")).toBeCloseTo(0.1, 1);
    expect(shareOf("error")).toBeCloseTo(0.2, 1);
    expect(shareOf("short")).toBeCloseTo(0.3, 1);
    expect(shareOf(undefined)).toBeCloseTo(0.4, 1);
  });

  test("fall the same for the same seed and otherwise for another", () => {
    expect(faults(5)).toEqual(faults(5));
    expect(faults(5)).not.toEqual(faults(6));
  });

  test("never strike at rate 0 and always at rate 1", () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat(), (randomSeed, number) => {
        expect(rollCallFault({ ...DEFAULT_SWITCHES, randomSeed }, number)).toBeUndefined();
        expect(rollCallFault({ ...DEFAULT_SWITCHES, randomSeed, emptyRate: 1 }, number)).toBe("empty");
      }),
    );
  });

  test("leave a body whole where they do not strike", async () => {
    const response = await generate(await openTestSandbox(), { n: 4 });
    expect(((await response.json()) as GenerationBody).data).toHaveLength(4);
  });
});
