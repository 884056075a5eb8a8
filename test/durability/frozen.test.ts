import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import type { Arena } from "../crash/arena.ts";
import { ask, find, openWorld, reaches, startTrapped, until } from "./support.ts";

/** So long a job stays with a worker that gives no sign of life; production has half a minute. */
const LOCK_MS = 2_000;

/** Linux: "T" for a process that is stopped. */
async function isFrozen(pid: number): Promise<boolean> {
  return /^State:\s+T/m.test(await readFile(`/proc/${pid}/status`, "utf8"));
}

async function freeze(arena: Arena, at: string): Promise<{ id: string; thaw: () => void }> {
  const frozen = startTrapped(arena, { at, signal: "SIGSTOP", lockMs: LOCK_MS });
  await frozen.ready;
  const id = await ask(arena, { prompt: `a fox in the ice at ${at}`, n: 2 });
  const pid = frozen.process.pid ?? 0;
  await until("the worker is frozen", () => isFrozen(pid));
  return { id, thaw: () => void frozen.process.kill("SIGCONT") };
}

async function countStarts(arena: Arena, stage: "generate" | "archive"): Promise<number> {
  const queues = await arena.app.queues();
  const jobs = await queues[stage].getJobs(["active", "waiting", "delayed", "prioritized", "completed"]);
  return Math.max(0, ...jobs.map((job) => job.attemptsStarted));
}

// before the call row and in the second stage nothing keeps another worker from going on
test.for(["permit", "put"])(
  "a worker frozen after %s, past its lock, spoils nothing when it wakes",
  { timeout: 90_000 },
  async (at) => {
    const arena = await openWorld();
    const { id, thaw } = await freeze(arena, at);
    startTrapped(arena, { lockMs: LOCK_MS });
    const done = await reaches(arena, id, "archived");

    thaw();
    const later = await ask(arena, { prompt: "a fox after the ice" });
    await reaches(arena, later, "archived");
    await until(
      "nobody works any more",
      async () => (await (await arena.app.queues()).generate.getActiveCount()) === 0,
    );
    expect(await find(arena, id)).toEqual(done);
    expect(done.calls.map((call) => call.state)).toEqual(["answered"]);
    expect((await arena.sandbox.bill()).calls).toBe(2);
  },
);

// between the row and the answer the living worker must not believe that the frozen one is dead
test.for(["reserve", "call"])(
  "a call of a worker frozen after %s is waited for, not made again",
  { timeout: 90_000 },
  async (at) => {
    const arena = await openWorld();
    const { id, thaw } = await freeze(arena, at);
    startTrapped(arena, { lockMs: LOCK_MS });
    await until("another worker has taken the job", async () => (await countStarts(arena, "generate")) > 1);
    expect((await find(arena, id)).calls.map((call) => call.state)).toEqual(["sent"]);

    thaw();
    const { calls } = await reaches(arena, id, "archived");
    expect(calls.map((call) => call.state)).toEqual(["answered"]);
    expect((await arena.sandbox.bill()).calls).toBe(1);
  },
);
