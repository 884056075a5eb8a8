import { monitorEventLoopDelay } from "node:perf_hooks";
import { describe, expect, test } from "vitest";
import type { CallFailure, CallResult } from "../../src/pipeline/ports.ts";
import type { OpenGate } from "../../src/queue/gate.ts";
import { connect, openTestGate, testPrefix } from "./support.ts";

const NEVER = new AbortController().signal;
const OK: CallResult = {
  kind: "answered",
  answer: { created: 1, images: [], usage: null, http_status: 200, api_request_id: null },
};

function failed(fields: Partial<CallFailure>, kind: "refused" | "unknown" | "unsent" = "refused"): CallResult {
  const failure: CallFailure = {
    class: "transient",
    code: "code",
    message: "the reason",
    http_status: null,
    api_request_id: null,
    retry_after_ms: null,
    ...fields,
  };
  return { kind, failure };
}

const LIMITED = (retry_after_ms: number | null) => failed({ class: "wait", code: "http_429", retry_after_ms });
const badKey = (retry_after_ms: number) =>
  failed({ class: "config", code: "http_401", message: "check IMAGE_API_KEY", retry_after_ms });
/** A halt that is soon over, and one that outlasts its test. */
const BAD_KEY = badKey(50);
const BAD_KEY_LONG = badKey(60_000);

async function admitted(gate: OpenGate): Promise<boolean> {
  return (await gate.acquire({ signal: NEVER })).admitted;
}

/** Waits as long as the gate says, as the queue does. */
async function waitAndAdmit(gate: OpenGate): Promise<void> {
  for (;;) {
    const leave = await gate.acquire({ signal: NEVER });
    if (leave.admitted) return;
    await new Promise((resolve) => setTimeout(resolve, Math.min(leave.waitMs, 200)));
  }
}

describe("answers that cannot be read", () => {
  const unread = failed({ code: "malformed_answer", message: "what came" }, "unknown");

  test("hold all at the second one, those that were on their way count once, and a person lets one try", async () => {
    const gate = await openTestGate();
    expect(await gate.recordOutcome(unread)).toBe(0);
    expect(await admitted(gate)).toBe(true);
    const first = await gate.recordOutcome(failed({ code: "not_json" }));
    expect([first > 14_000, first <= 15_000]).toEqual([true, true]);
    for (let late = 0; late < 10; late++) expect(await gate.recordOutcome(unread)).toBeLessThanOrEqual(15_000);
    expect(await gate.state()).toMatchObject({ code: "not_json", reason: expect.stringContaining("calls are held") });
    await gate.reset();
    expect(await Promise.all([admitted(gate), admitted(gate)])).toEqual([true, false]);
    expect(await gate.recordOutcome(unread)).toBeGreaterThan(29_000);
    expect(await gate.acquire({ signal: NEVER })).toMatchObject({ admitted: false, waitMs: 15_000 });
    await gate.reset();
    expect(await admitted(gate)).toBe(true);
    await gate.recordOutcome(OK);
    expect(await gate.recordOutcome(unread)).toBe(0);
    expect(await admitted(gate)).toBe(true);
  });
});

describe("a halt", () => {
  test("is told to everybody, with its reason", async () => {
    const prefix = testPrefix();
    const [one, other] = [await openTestGate({ prefix }), await openTestGate({ prefix })];
    expect(await admitted(one)).toBe(true);
    expect(await one.recordOutcome(BAD_KEY_LONG)).toBe(60_000);
    expect(await other.acquire({ signal: NEVER })).toMatchObject({ admitted: false, reason: "check IMAGE_API_KEY" });
    expect(await other.state()).toMatchObject({ code: "http_401", reason: "check IMAGE_API_KEY" });
  });

  test("lets a single one try when its time is over, and all of them when that one succeeds", async () => {
    const gate = await openTestGate();
    await gate.recordOutcome(BAD_KEY);
    await waitAndAdmit(gate);
    const others = await Promise.all(Array.from({ length: 10 }, () => gate.acquire({ signal: NEVER })));
    expect(others.filter((leave) => leave.admitted)).toEqual([]);
    await gate.recordOutcome(OK);
    expect(await Promise.all(Array.from({ length: 10 }, () => admitted(gate)))).not.toContain(false);
    expect(await gate.state()).toMatchObject({ reason: null, code: null, until: null });
  });

  test("goes on when the one that tries fails in the same way", async () => {
    const gate = await openTestGate();
    await gate.recordOutcome(BAD_KEY);
    await waitAndAdmit(gate);
    await gate.recordOutcome(BAD_KEY_LONG);
    expect(await admitted(gate)).toBe(false);
  });

  test("ends with any word of the API about a single request", async () => {
    const gate = await openTestGate();
    await gate.recordOutcome(BAD_KEY);
    await gate.recordOutcome(failed({ class: "rejected", code: "content_policy" }));
    expect(await Promise.all([admitted(gate), admitted(gate)])).toEqual([true, true]);
  });

  test.each([
    ["of unknown outcome", failed({}, "unknown")],
    ["that we ended ourselves", failed({ code: "aborted" }, "unsent")],
  ])("does not end with a call %s; but another one may try", async (_, result) => {
    const gate = await openTestGate();
    await gate.recordOutcome(BAD_KEY);
    await waitAndAdmit(gate);
    await gate.recordOutcome(result);
    expect([await admitted(gate), await admitted(gate)]).toEqual([true, false]);
  });

  test("leave that is given back goes to another one", async () => {
    const gate = await openTestGate();
    await gate.recordOutcome(BAD_KEY);
    await waitAndAdmit(gate);
    expect(await admitted(gate)).toBe(false);
    await gate.release();
    expect(await admitted(gate)).toBe(true);
  });

  test("whose one try never comes back lets another one try after a call's longest time", async () => {
    const gate = await openTestGate({ callTimeoutMs: -9_950 });
    await gate.recordOutcome(BAD_KEY);
    await waitAndAdmit(gate);
    await waitAndAdmit(gate);
  });

  test("is begun by an API that cannot be reached, and by nothing that says nothing about it", async () => {
    const gate = await openTestGate();
    for (const harmless of [failed({}, "unknown"), failed({ code: "aborted" }, "unsent"), failed({}), OK]) {
      expect(await gate.recordOutcome(harmless)).toBe(0);
      expect(await admitted(gate)).toBe(true);
    }
    expect(await gate.recordOutcome(failed({ code: "connect_failed" }, "unsent"))).toBeGreaterThan(1_000);
    expect(await admitted(gate)).toBe(false);
  });

  test("can be ended by an operator, a rate limit cannot", async () => {
    const gate = await openTestGate();
    await gate.recordOutcome(failed({ class: "config", retry_after_ms: 60_000 }));
    await gate.reset();
    expect(await admitted(gate)).toBe(true);
    await gate.recordOutcome(LIMITED(60_000));
    await gate.reset();
    expect(await admitted(gate)).toBe(false);
  });
});

describe("a rate limit", () => {
  test("keeps everybody away for as long as was asked for", async () => {
    const gate = await openTestGate();
    await admitted(gate);
    const awayMs = await gate.recordOutcome(LIMITED(30_000));
    expect(awayMs).toBe(30_000);
    const leave = await gate.acquire({ signal: NEVER });
    expect(leave).toMatchObject({ admitted: false });
    expect((leave as { waitMs: number }).waitMs).toBeGreaterThan(29_000);
  });

  test("that names no time is waited for twice as long each time in a row", async () => {
    const gate = await openTestGate();
    expect(await gate.recordOutcome(LIMITED(null))).toBe(1_000);
    // those that were on their way are the same limit
    expect(await gate.recordOutcome(LIMITED(null))).toBeLessThanOrEqual(1_000);
    await waitAndAdmit(gate);
    expect(await gate.recordOutcome(LIMITED(null))).toBe(2_000);
    await gate.recordOutcome(OK);
    await waitAndAdmit(gate);
    expect(await gate.recordOutcome(LIMITED(null))).toBe(1_000);
  });

  test("makes slots void that were given before it", async () => {
    const gate = await openTestGate({ rateLimit: { max: 10, durationMs: 2_000 } });
    const leaves = Array.from({ length: 6 }, () => gate.acquire({ signal: NEVER }));
    await leaves[0];
    await gate.recordOutcome(LIMITED(30_000));
    const rest = await Promise.all(leaves.slice(1));
    expect(rest.map((leave) => leave.admitted)).not.toContain(true);
  });

  test("that a burst meets after a quiet time does not make the pace as slow as the quiet was", async () => {
    const prefix = testPrefix();
    const gate = await openTestGate({ prefix });
    const redis = await connect();
    await admitted(gate);
    // an hour ago
    for (const field of ["begun", "last", "ramp", "next"]) await redis.hincrby(`${prefix}:gate`, field, -3_600_000);
    for (let calls = 0; calls < 10; calls++) await waitAndAdmit(gate);
    await gate.recordOutcome(LIMITED(1_000));
    expect((await gate.state()).pace).toBeGreaterThan(5);
  });
});

/** A fixed window that begins with its first call, as most APIs have one. */
function createLimiter({ max, windowMs }: { max: number; windowMs: number }) {
  const windows: { begun: number; passed: number; refused: number }[] = [];
  return {
    windows,
    call(): number {
      const now = Date.now();
      let window = windows.at(-1);
      if (window === undefined || now >= window.begun + windowMs) {
        window = { begun: now, passed: 0, refused: 0 };
        windows.push(window);
      }
      if (window.passed < max) window.passed += 1;
      else window.refused += 1;
      return window.refused === 0 ? 0 : window.begun + windowMs - now;
    },
  };
}

interface Fleet {
  callers: number;
  forMs: number;
  limiter: ReturnType<typeof createLimiter>;
  latencyMs: number;
  retryAfter: (waitMs: number) => number | null;
}

/** So many callers in four processes, each calling as often as the gate lets it. */
async function runFleet({ callers, forMs, limiter, latencyMs, retryAfter }: Fleet): Promise<void> {
  const prefix = testPrefix();
  const gates = await Promise.all(Array.from({ length: 4 }, () => openTestGate({ prefix })));
  const end = Date.now() + forMs;
  const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
  const one = async (gate: OpenGate) => {
    while (Date.now() < end) {
      const leave = await gate.acquire({ signal: NEVER });
      if (!leave.admitted) {
        await wait(Math.min(leave.waitMs, Math.max(0, end - Date.now())));
        continue;
      }
      const waitMs = limiter.call();
      await wait(latencyMs / 4);
      if (waitMs === 0) await wait(latencyMs);
      await gate.recordOutcome(waitMs === 0 ? OK : LIMITED(retryAfter(waitMs)));
    }
  };
  await Promise.all(Array.from({ length: callers }, (_, index) => one(gates[index % 4] as OpenGate)));
}

describe("a fleet of 32 callers against a limit of 20 in 500 ms", () => {
  test.each([
    ["in ms", (ms: number) => ms, 0.6],
    // whole seconds round the rest of a window of half a second up to two or three of them
    ["in seconds", (ms: number) => Math.ceil(ms / 1_000) * 1_000, 0.3],
    ["without Retry-After", () => null, 0.2],
  ])("told %s wastes few calls after the first window and keeps near the pace", async (_, retryAfter, share) => {
    const limiter = createLimiter({ max: 20, windowMs: 500 });
    const forMs = 6_000;
    await runFleet({ callers: 32, forMs, limiter, latencyMs: 60, retryAfter });
    const found = limiter.windows.findIndex((window) => window.refused > 0);
    const later = limiter.windows.slice(found + 1);
    expect(found).toBeGreaterThanOrEqual(0);
    expect(later.length).toBeGreaterThan(5);
    const passed = limiter.windows.reduce((sum, window) => sum + window.passed, 0);
    expect(Math.max(...later.map((window) => window.refused))).toBeLessThanOrEqual(5);
    expect(passed).toBeGreaterThan(((20 * forMs) / 500) * share);
  });
});

test("a configured rate is never exceeded in any window, however many ask", async () => {
  const prefix = testPrefix();
  const rateLimit = { max: 40, durationMs: 2_000 };
  const gates = await Promise.all(Array.from({ length: 4 }, () => openTestGate({ prefix, rateLimit })));
  const calls: number[] = [];
  const stalls = monitorEventLoopDelay({ resolution: 5 });
  stalls.enable();
  const end = Date.now() + 5_000;
  const one = async (gate: OpenGate) => {
    while (Date.now() < end) {
      const leave = await gate.acquire({ signal: NEVER });
      if (leave.admitted) calls.push(Date.now());
      else await new Promise((resolve) => setTimeout(resolve, leave.waitMs));
    }
  };
  await Promise.all(Array.from({ length: 32 }, (_, index) => one(gates[index % 4] as OpenGate)));
  // a process that stands still notes a call later than it was let through, which is no fault of the gate's
  const windowMs = 2_000 - stalls.max / 1e6;
  stalls.disable();
  const sorted = calls.sort((a, b) => a - b);
  const fullest = Math.max(...sorted.map((from) => sorted.filter((at) => at >= from && at < from + windowMs).length));
  expect(fullest).toBeLessThanOrEqual(40);
  expect(sorted.filter((at) => at < end).length).toBeGreaterThan(60);
});

test("a rate slower than the gate forgets is kept all the same", async () => {
  const prefix = testPrefix();
  const gate = await openTestGate({ prefix, rateLimit: { max: 1, durationMs: 3_600_000 } });
  expect([await admitted(gate), await admitted(gate)]).toEqual([true, false]);
  const redis = await connect();
  expect(await redis.pttl(`${prefix}:gate`)).toBeGreaterThan(3_600_000);
});

test("one who waits for a slot and is told to stop gets none", async () => {
  const gate = await openTestGate({ rateLimit: { max: 1, durationMs: 1_500 } });
  await admitted(gate);
  const stop = new AbortController();
  const waiting = gate.acquire({ signal: stop.signal });
  stop.abort();
  expect(await waiting).toMatchObject({ admitted: false, waitMs: 0 });
});

test("a Redis that has forgotten the scripts is given them again", async () => {
  const prefix = testPrefix();
  const [gate, redis] = [await openTestGate({ prefix }), await connect()];
  expect(await admitted(gate)).toBe(true);
  await redis.script("FLUSH", "SYNC");
  expect(await admitted(gate)).toBe(true);
  await redis.script("FLUSH", "SYNC");
  expect(await gate.recordOutcome(BAD_KEY_LONG)).toBe(60_000);
});
