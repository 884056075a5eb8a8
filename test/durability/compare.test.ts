import { expect, test } from "vitest";
import { askAgain, findOriginal } from "../../src/maintenance/reproduce/ask.ts";
import { ask, find, openWorld, reaches, startTrapped, startWorkerCommand, until } from "./support.ts";

test("a reproduction whose worker was killed between archive and comparison is compared by the next one, unpaid", {
  timeout: 120_000,
}, async () => {
  const arena = await openWorld();
  // the step after which the second request is archived, and nobody has looked at it yet
  const doomed = startTrapped(arena, { at: "finish:2" });
  await doomed.ready;
  const original = await ask(arena, { prompt: "a red fox" });
  await reaches(arena, original, "archived");
  await arena.sandbox.set({ modelChange: "slight" });
  const [id = ""] = await askAgain(arena.app, [await findOriginal(arena.app, original)], { collection: "again" });
  expect((await doomed.ended).signal).toBe("SIGKILL");
  expect(await find(arena, id)).toMatchObject({ request: { state: "archived", reproduces: original }, proof: null });

  await startWorkerCommand(arena);
  await until("it is compared", async () => (await find(arena, id)).proof !== null);
  expect((await find(arena, id)).proof).toMatchObject({ outcome: "near", original_id: original });
  expect((await arena.sandbox.bill()).calls).toBe(2);
});
