import { readdir } from "node:fs/promises";
import { expect, test } from "vitest";
import { ask, openCalls, openWorld, reaches, startTrapped, startWorkerCommand, until } from "./support.ts";

test("a living worker takes over from a dead one long before its locks run out", { timeout: 90_000 }, async () => {
  const arena = await openWorld();
  const doomed = startTrapped(arena, { at: "record" });
  await doomed.ready;
  const id = await ask(arena, { prompt: "an orphaned fox" });
  expect((await doomed.ended).signal).toBe("SIGKILL");

  await startWorkerCommand(arena);
  const begun = Date.now();
  await reaches(arena, id, "archived");
  // BullMQ alone: what is left of 30 s of lock, and up to 15 s until somebody looks
  expect(Date.now() - begun).toBeLessThan(15_000);
  expect((await arena.sandbox.bill()).calls).toBe(1);
});

test("a living worker notices a death that comes later", { timeout: 90_000 }, async () => {
  const arena = await openWorld({ IMAGE_API_TIMEOUT: "120s" });
  await arena.sandbox.set({ latencyMs: 60_000 });
  const doomed = startTrapped(arena, {});
  await doomed.ready;
  const id = await ask(arena, { prompt: "an orphaned fox" });
  await until("its call is out", async () => (await openCalls(arena)) === 1);
  await startWorkerCommand(arena);
  await arena.sandbox.set({ latencyMs: 0 });
  doomed.process.kill("SIGKILL");

  const detail = await reaches(arena, id, "archived", 25_000);
  expect(detail.calls.map((call) => [call.state, call.error?.code])).toEqual([
    ["unknown", "worker_died"],
    ["answered", undefined],
  ]);
});

test("under the policy park a call whose worker died waits for a person, and is not made again", {
  timeout: 90_000,
}, async () => {
  const arena = await openWorld({ UNKNOWN_CALL_POLICY: "park" });
  const doomed = startTrapped(arena, { at: "call" });
  await doomed.ready;
  const id = await ask(arena, { prompt: "an expensive fox" });
  await doomed.ended;

  await startWorkerCommand(arena);
  const parked = await reaches(arena, id, "parked");
  expect(parked.request.error?.code).toBe("worker_died");
  expect((await arena.sandbox.bill()).calls).toBe(1);
});

test("bytes of an answer that was never committed are swept from the spool", { timeout: 90_000 }, async () => {
  const arena = await openWorld();
  const doomed = startTrapped(arena, { at: "spool" });
  await doomed.ready;
  const id = await ask(arena, { prompt: "a fox in bytes", response_format: "b64_json" });
  await doomed.ended;

  await startWorkerCommand(arena);
  await reaches(arena, id, "archived");
  await until("the spool is empty", async () => (await spooled(arena.dir)).length === 0);
});

async function spooled(dir: string): Promise<string[]> {
  return readdir(`${dir}/spool`);
}
