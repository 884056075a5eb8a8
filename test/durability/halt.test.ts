import { expect, test } from "vitest";
import { ask, find, openWorld, reaches, startWorkerCommand, until } from "./support.ts";

test.for([
  [401, "check IMAGE_API_KEY"],
  [402, "top up the account"],
] as const)(
  "%i halts generation for all and says why, copies go on, and it goes on by itself when mended",
  { timeout: 120_000 },
  async ([status, hint]) => {
    const arena = await openWorld({ IMAGE_API_TIMEOUT: "30s" });
    await Promise.all(["one", "two"].map((name) => startWorkerCommand(arena, { name })));
    // its image is under way while the account is closed
    await arena.sandbox.set({ imageLatencyMs: 3_000 });
    const paid = await ask(arena, { prompt: "a fox that was paid in time" });
    await reaches(arena, paid, "copying");
    await arena.sandbox.set({ forceStatus: status });
    const ids = await Promise.all(["a", "b", "c", "d", "e", "f"].map((name) => ask(arena, { prompt: `fox ${name}` })));

    const { gate } = await arena.app.queues();
    await until("the gate is closed", async () => (await gate.state()).reason?.includes(hint) ?? false);
    await reaches(arena, paid, "archived");
    const held = await Promise.all(ids.map((id) => find(arena, id)));
    expect(held.map(({ request }) => request.state)).not.toContain("failed");
    expect(held.flatMap(({ request }) => (request.attempt > 0 ? [request.request_id] : []))).toEqual([]);
    // not each job in turn: those on their way when the first was refused, and a probe
    expect((await arena.sandbox.bill()).outcomes.refused).toBeLessThanOrEqual(6);

    await arena.sandbox.set({ forceStatus: null, imageLatencyMs: 0 });
    for (const id of ids) await reaches(arena, id, "archived", 60_000);
    expect((await arena.sandbox.bill()).paid_calls).toBe(7);
  },
);
