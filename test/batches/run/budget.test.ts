import fc from "fast-check";
import { expect, test } from "vitest";
import type { OpenCatalog } from "../../../src/catalog/catalog.ts";
import type { Call } from "../../../src/domain/records.ts";
import { answerOf, beginWith, FAILURE, newBatch, openTestCatalog, requestOf } from "./support.ts";

const spend = { spend: true };

/** Images of calls that are out, answered or unknown, by the rows of the calls themselves. */
function committedByRows(catalog: OpenCatalog): number {
  const { calls } = catalog.batches.stats("b");
  return calls.sent.images + calls.answered.images + calls.unknown.images;
}

async function step(
  catalog: OpenCatalog,
  { request, n, how, open }: { request: string; n: number; how: number; open: Call[] },
) {
  const reserved = await catalog.reserveCall(request, { n, seed: 1 });
  if (reserved.kind === "reserved") open.push(reserved.call);
  const call = how === 4 ? undefined : open.shift();
  if (call === undefined) return;
  if (how === 0) await catalog.withdrawCall(call, spend);
  if (how === 1) await catalog.closeCall(call, { state: "refused", failure: FAILURE, ...spend });
  if (how === 2) await catalog.closeCall(call, { state: "unknown", failure: FAILURE, ...spend });
  if (how === 3) await catalog.answerCall(call, answerOf(call.n));
}

test("whatever becomes of calls, what is committed equals the rows of calls and stays within the budget", async () => {
  const steps = fc.array(fc.record({ request: fc.nat(9), how: fc.nat(4) }), { minLength: 5, maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(steps, fc.integer({ min: 0, max: 20 }), async (list, max_images) => {
      await using place = await openTestCatalog();
      const { catalog } = place;
      const requests = Array.from({ length: 10 }, (_, index) => requestOf(`r${index}`, { n: (index % 4) + 1 }));
      await beginWith(catalog, newBatch("b", { max_images }), requests);
      const open: Call[] = [];
      for (const { request, how } of list) {
        await step(catalog, { request: `r${request}`, n: (request % 4) + 1, how, open });
        const committed = catalog.batches.find("b")?.committed_images;
        expect(committed).toBe(committedByRows(catalog));
        expect(committed).toBeLessThanOrEqual(max_images);
      }
    }),
    { numRuns: 20 },
  );
});

test("a request over the budget is held, its state and reason say so, and a higher budget lets it go on", async () => {
  await using place = await openTestCatalog();
  const { catalog } = place;
  await beginWith(catalog, newBatch("b", { max_images: 3 }), [requestOf("a", { n: 3 }), requestOf("c")]);
  expect((await catalog.reserveCall("a", { n: 3, seed: 1 })).kind).toBe("reserved");
  expect(await catalog.reserveCall("c", { n: 1, seed: 1 })).toMatchObject({ kind: "held", reason: "budget" });
  expect((await catalog.find("c"))?.request).toMatchObject({ state: "queued", error: { code: "batch_budget" } });
  expect([...catalog.listUnfinished()].flat().map((row) => row.request_id)).toEqual([]);
  await catalog.batches.change("b", { max_images: 4 });
  expect(
    [...catalog.listUnfinished()]
      .flat()
      .map((row) => row.request_id)
      .sort(),
  ).toEqual(["c"]);
  expect((await catalog.reserveCall("c", { n: 1, seed: 1 })).kind).toBe("reserved");
});

test.each([
  ["before the window", { opens_at: 1_000, closes_at: 2_000 }, 999, "window"],
  ["at its first instant", { opens_at: 1_000, closes_at: 2_000 }, 1_000, null],
  ["at its last instant", { opens_at: 1_000, closes_at: 2_000 }, 1_999, null],
  ["at its end", { opens_at: 1_000, closes_at: 2_000 }, 2_000, "window"],
  ["when paused", { paused: true }, 1_000, "paused"],
  ["without limits", {}, 1_000, null],
] as const)(
  "%s a call of a batch is held or not, in the reservation and in the comparison with the queues",
  async (_, limits, at, reason) => {
    await using place = await openTestCatalog();
    const { catalog, clock } = place;
    await beginWith(catalog, newBatch("b", limits), [requestOf("a")]);
    clock.at = at;
    expect((await catalog.holdOf("a", 1))?.reason ?? null).toBe(reason);
    expect([...catalog.listUnfinished()].flat()).toHaveLength(reason === null ? 1 : 0);
    expect((await catalog.reserveCall("a", { n: 1, seed: 1 })).kind).toBe(reason === null ? "reserved" : "held");
  },
);

test("a cancelled batch starts nothing, and finishes when what was under way has ended", async () => {
  await using place = await openTestCatalog();
  const { catalog } = place;
  await beginWith(catalog, newBatch("b"), [requestOf("a"), requestOf("c")]);
  await catalog.reserveCall("a", { n: 1, seed: 1 });
  expect(await catalog.batches.cancel("b")).toBe(true);
  expect(await catalog.reserveCall("c", { n: 1, seed: 1 })).toMatchObject({ kind: "held", reason: "cancelled" });
  await catalog.cancel("c");
  expect(catalog.batches.find("b")?.finished_at).toBeNull();
  const { calls } = (await catalog.find("a")) ?? { calls: [] };
  await catalog.closeCall(calls[0] as Call, { state: "refused", failure: FAILURE, spend: true });
  await catalog.cancel("a");
  expect(catalog.batches.find("b")).toMatchObject({ state: "cancelled", committed_images: 0 });
  expect(catalog.batches.find("b")?.finished_at).not.toBeNull();
  expect(await catalog.batches.cancel("b")).toBe(false);
});

test("a single request is never held", async () => {
  await using place = await openTestCatalog();
  const { catalog } = place;
  await catalog.accept(requestOf("a"), { jobId: "req-a" });
  expect(await catalog.holdOf("a", 4)).toBeUndefined();
  expect((await catalog.reserveCall("a", { n: 1, seed: 1 })).kind).toBe("reserved");
});
