import { setTimeout as pause } from "node:timers/promises";
import { expect, test } from "vitest";
import { createCompletionWatch } from "../../src/app/completion-watch.ts";
import type { RequestState } from "../../src/domain/records.ts";

function createRecord(states: Record<string, RequestState>) {
  const known = new Map(Object.entries(states));
  const looks: string[][] = [];
  const watch = createCompletionWatch({
    everyMs: 5,
    states: (ids) => {
      looks.push([...ids]);
      return new Map(ids.flatMap((id) => (known.has(id) ? [[id, known.get(id) as RequestState]] : [])));
    },
  });
  return { watch, known, looks };
}

const never = new AbortController().signal;

test.each(["archived", "failed", "cancelled", "parked"] as const)(
  "a request that is %s already is not waited for",
  async (state) => {
    const { watch, looks } = createRecord({ r: state });
    await watch.wait("r", never);
    expect(looks).toHaveLength(1);
  },
);

test("a request that is not there is not waited for", async () => {
  await createRecord({}).watch.wait("r", never);
});

test("many who wait share one look, and each goes when its own request has ended", async () => {
  const { watch, known, looks } = createRecord({ a: "queued", b: "generating" });
  const done: string[] = [];
  const waits = ["a", "a", "a", "b"].map((id) => watch.wait(id, never).then(() => done.push(id)));
  await pause(20);
  expect(looks.slice(4).every((ids) => ids.length === 2)).toBe(true);
  expect(done).toEqual([]);
  known.set("a", "archived");
  await Promise.all(waits.slice(0, 3));
  expect(done).toEqual(["a", "a", "a"]);
  known.delete("b");
  await Promise.all(waits);
});

test("a signal ends the wait, and nobody looks any more when nobody waits", async () => {
  const { watch, looks } = createRecord({ a: "queued" });
  const controller = new AbortController();
  const wait = watch.wait("a", controller.signal);
  controller.abort();
  await wait;
  await pause(20);
  const before = looks.length;
  await pause(30);
  expect(looks.length).toBe(before);
});

test("a record that cannot be read fails those who wait, and later ones are answered again", async () => {
  let broken = false;
  let state: RequestState = "queued";
  const watch = createCompletionWatch({
    everyMs: 5,
    states: () => {
      if (broken) throw new Error("the disk is gone");
      return new Map([["a", state]]);
    },
  });
  const wait = watch.wait("a", never);
  broken = true;
  await expect(wait).rejects.toThrow("the disk is gone");
  broken = false;
  const again = watch.wait("a", never);
  state = "archived";
  await again;
});
