// One exchange resolves once, whatever the other side does and whatever this side's own callbacks do.
import { Agent } from "undici";
import { expect, onTestFinished, test } from "vitest";
import { exchange } from "../../src/outbound/exchange.ts";
import { startHttp } from "../support/servers.ts";

const HANG_MS = 60_000;
const signal = new AbortController().signal;

async function run(options: Partial<Parameters<typeof exchange>[1]>) {
  const origin = await startHttp((_, response) => response.end("whole body"));
  const agent = new Agent();
  onTestFinished(() => agent.close());
  const base = { url: new URL(origin), method: "GET" as const, headers: {}, signal, timeoutMs: HANG_MS };
  return exchange(agent, { ...base, maxBytes: () => 1000, ...options });
}

const broken = new Error("out of memory");

test.each([
  ["rejects", () => Promise.reject(broken)],
  [
    "throws",
    () => {
      throw broken;
    },
  ],
])("admission that %s ends it at once, with its cause", async (_, admit) => {
  const begun = performance.now();
  const reply = await run({ admit });
  expect(performance.now() - begun).toBeLessThan(HANG_MS / 2);
  expect(reply).toMatchObject({
    status: 200,
    broken: { why: expect.stringMatching(/refused|network/), cause: broken },
  });
});

test("a bound that throws ends it at once, with its cause", async () => {
  const reply = await run({
    maxBytes: () => {
      throw broken;
    },
  });
  expect(reply).toMatchObject({ broken: { why: "network", cause: broken } });
});

test("admission that resolves after the end changes nothing", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const reply = await run({ admit: () => promise, timeoutMs: 200 });
  resolve();
  expect(reply).toMatchObject({ status: 200, broken: { why: "timed_out" } });
});
