import { expect, test } from "vitest";
import { createApp } from "../../src/app/app.ts";
import { createLog } from "../../src/app/log.ts";
import { submit } from "../../src/app/submit.ts";
import { ask, find, openWorld, reaches, startWorkerCommand } from "./support.ts";

test("a Redis that comes back empty gets its jobs back at once, and nothing is paid again", {
  timeout: 90_000,
}, async () => {
  const arena = await openWorld({ GENERATE_CONCURRENCY: "1" });
  await arena.sandbox.set({ latencyMs: 500 });
  const ids = [];
  for (let number = 1; number <= 4; number++) ids.push(await ask(arena, { prompt: `fox ${number}` }));
  await startWorkerCommand(arena);
  await reaches(arena, ids[0] ?? "", "archived");
  await arena.redis.kill();
  const begun = Date.now();
  await arena.redis.start("none");

  for (const id of ids) await reaches(arena, id, "archived");
  // the regular comparison comes every half minute
  expect(Date.now() - begun).toBeLessThan(20_000);
  expect((await arena.sandbox.bill()).calls).toBe(4);
});

test("a producer that was refused while Redis was away is accepted when it is back", { timeout: 60_000 }, async () => {
  const arena = await openWorld();
  await arena.redis.kill();
  const app = createApp({ settings: arena.app.settings, log: createLog({ level: "silent" }) });
  const data = { request_id: "patient", prompt: "a patient fox" };
  await expect(submit(app, data)).rejects.toMatchObject({ code: "redis_unreachable" });
  expect(await app.catalog().find("patient")).toBeUndefined();

  await arena.redis.start();
  expect((await submit(app, data)).request.state).toBe("queued");
  expect((await find(arena, "patient")).request.request_id).toBe("patient");
  await app.close();
});
