import { expect, test } from "vitest";
import { ask, find, openCalls, openWorld, reaches, says, startWorkerCommand, until } from "./support.ts";

test("SIGTERM lets a paid call finish, begins no other, and ends with exit code 0", { timeout: 90_000 }, async () => {
  const arena = await openWorld({ GENERATE_CONCURRENCY: "1", IMAGE_API_TIMEOUT: "30s" });
  await arena.sandbox.set({ latencyMs: 2_000 });
  const worker = await startWorkerCommand(arena);
  const first = await ask(arena, { prompt: "one fox" });
  const second = await ask(arena, { prompt: "two foxes" });
  await until("the first call is out", async () => (await openCalls(arena)) === 1);

  worker.process.kill("SIGTERM");
  expect(await worker.ended).toEqual({ code: 0, signal: null });

  expect((await find(arena, first)).calls.map((call) => call.state)).toEqual(["answered"]);
  expect((await find(arena, second)).request.state).toBe("queued");
  expect((await arena.sandbox.bill()).calls).toBe(1);

  await arena.sandbox.set({ latencyMs: 0 });
  await startWorkerCommand(arena, { name: "next" });
  await reaches(arena, first, "archived");
  await reaches(arena, second, "archived");
  expect((await arena.sandbox.bill()).calls).toBe(2);
});

test.for([
  ["a call that outlives the grace", { grace: "300ms", signals: 1 }],
  ["a second signal within a long grace", { grace: "60s", signals: 2 }],
] as const)(
  "%s ends the worker with 130, and the call is unknown",
  { timeout: 90_000 },
  async ([, { grace, signals }]) => {
    const arena = await openWorld({ IMAGE_API_TIMEOUT: "60s", SHUTDOWN_GRACE: grace });
    await arena.sandbox.set({ latencyMs: 40_000 });
    const worker = await startWorkerCommand(arena);
    const id = await ask(arena, { prompt: "a slow fox" });
    await until("the call is out", async () => (await openCalls(arena)) === 1);

    const begun = Date.now();
    worker.process.kill("SIGTERM");
    if (signals === 2) {
      // two signals in one moment may reach the process as one
      await says(arena, "stopping");
      worker.process.kill("SIGTERM");
    }
    expect(await worker.ended).toEqual({ code: 130, signal: null });
    expect(Date.now() - begun).toBeLessThan(20_000);

    const { calls, request } = await find(arena, id);
    expect(calls.map((call) => [call.state, call.error?.code])).toEqual([["unknown", "aborted"]]);
    expect(request.state).toBe("generating");
  },
);

test("a worker whose Redis is away still stops within its grace", { timeout: 90_000 }, async () => {
  const arena = await openWorld({ SHUTDOWN_GRACE: "1s" });
  const worker = await startWorkerCommand(arena);
  await arena.redis.kill();
  const begun = Date.now();
  worker.process.kill("SIGTERM");
  const { signal } = await worker.ended;
  expect(signal).toBeNull();
  expect(Date.now() - begun).toBeLessThan(20_000);
});
