import { describe, expect, test } from "vitest";
import type { RequestState } from "../../../src/domain/records.ts";
import { accept, answer, archiveWhole, asset, FAILURE, found, openTestCatalog, reserve } from "../support.ts";

const EXPLICIT = { seed: 42 };
const ONE = { n: 1, seed: 42 };

test("a call is a row before it is sent, and says who sends it", async () => {
  const catalog = await openTestCatalog();
  await accept(catalog, "r");
  const call = await reserve(catalog, "r", { n: 1, seed: 99 });
  expect(call).toMatchObject({ number: 1, state: "sent", n: 1, seed: 99, worker_id: catalog.workerId, ended_at: null });
  const { request, calls } = await found(catalog, "r");
  expect(request.state).toBe("generating");
  expect(calls).toEqual([call]);
});

describe("a call is refused", () => {
  test("while another one of the same request is out", async () => {
    const catalog = await openTestCatalog();
    await accept(catalog, "r");
    await reserve(catalog, "r");
    expect(await catalog.reserveCall("r", ONE)).toEqual({ kind: "out" });
  });

  test("to all but one of those who ask at the same moment", async () => {
    const catalog = await openTestCatalog();
    await accept(catalog, "r");
    const kinds = await Promise.all(Array.from({ length: 20 }, async () => (await catalog.reserveCall("r", ONE)).kind));
    expect(kinds.filter((kind) => kind === "reserved")).toHaveLength(1);
    expect(kinds.filter((kind) => kind === "out")).toHaveLength(19);
  });

  test("for a request that nobody knows", async () => {
    const catalog = await openTestCatalog();
    expect(await catalog.reserveCall("nobody", ONE)).toEqual({ kind: "settled", state: "cancelled" });
  });

  test("while a request with the same explicit-seed recipe is being made, copied or is archived", async () => {
    const catalog = await openTestCatalog();
    await accept(catalog, "first", EXPLICIT);
    await accept(catalog, "second", EXPLICIT);
    const twin = { kind: "in_flight_elsewhere", request_id: "first" };
    const call = await reserve(catalog, "first");
    expect(await catalog.reserveCall("second", ONE)).toEqual(twin);
    await catalog.answerCall(call, answer([0]));
    expect(await catalog.reserveCall("second", ONE)).toEqual(twin);
    await catalog.recordAsset({ request_id: "first", index: 0 }, asset("a"));
    await catalog.finish("first", { state: "archived" });
    expect(await catalog.reserveCall("second", ONE)).toEqual(twin);
  });

  test.each([
    ["asks for a fresh one", { seed: 42, reuse: false }, { seed: 42, reuse: false }],
    ["has another recipe", { seed: 42 }, { seed: 43 }],
    ["named no seed", {}, {}],
  ])("but not by a twin when it %s", async (_, first, second) => {
    const catalog = await openTestCatalog();
    await accept(catalog, "first", first);
    await accept(catalog, "second", second);
    await reserve(catalog, "first");
    expect((await catalog.reserveCall("second", ONE)).kind).toBe("reserved");
  });

  test("when the twin failed, no longer", async () => {
    const catalog = await openTestCatalog();
    await accept(catalog, "first", EXPLICIT);
    await accept(catalog, "second", EXPLICIT);
    await catalog.closeCall(await reserve(catalog, "first"), { state: "refused", failure: FAILURE, spend: true });
    await catalog.finish("first", { state: "failed", error: { code: "x", message: "x" } });
    expect((await catalog.reserveCall("second", ONE)).kind).toBe("reserved");
  });

  test("by a twin only as long as it has no images of its own: the missing ones nobody else makes", async () => {
    const catalog = await openTestCatalog();
    await accept(catalog, "short", { ...EXPLICIT, n: 2 });
    await catalog.answerCall(await reserve(catalog, "short"), answer([0], { complete: false }));
    await accept(catalog, "fresh", { ...EXPLICIT, n: 2, reuse: false });
    await reserve(catalog, "fresh");
    expect((await catalog.reserveCall("short", { n: 1, seed: 5 })).kind).toBe("reserved");
  });

  test("while more images than the bound wait to be archived, those of calls that are out among them", async () => {
    const catalog = await openTestCatalog({ maxUnarchivedImages: 4 });
    for (const id of ["a", "b", "c"]) await accept(catalog, id, { n: 2 });
    const call = await reserve(catalog, "a", { n: 2, seed: 1 });
    await catalog.answerCall(call, answer([0, 1]));
    await reserve(catalog, "b", { n: 2, seed: 1 });
    expect(await catalog.countUnarchivedImages()).toBe(4);
    expect(await catalog.reserveCall("c", { n: 2, seed: 1 })).toEqual({ kind: "backlog", images: 4 });
    for (const index of [0, 1]) await catalog.recordAsset({ request_id: "a", index }, asset("ab"[index] as string));
    await catalog.finish("a", { state: "archived" });
    expect((await catalog.reserveCall("c", { n: 2, seed: 1 })).kind).toBe("reserved");
  });

  test.each<RequestState>(["copying", "archived", "failed", "parked", "cancelled"])(
    "to a request that is %s",
    async (state) => {
      const catalog = await openTestCatalog();
      await accept(catalog, "r");
      if (state === "archived") await archiveWhole(catalog, "r");
      else if (state === "copying") await catalog.answerCall(await reserve(catalog, "r"), answer([0]));
      else
        await catalog.finish("r", { state, error: { code: "x", message: "x" } } as Parameters<
          typeof catalog.finish
        >[1]);
      expect(await catalog.reserveCall("r", ONE)).toEqual({ kind: "settled", state });
    },
  );
});

describe("a call ends", () => {
  test("withdrawn: no row is left, and the next one takes its number", async () => {
    const catalog = await openTestCatalog();
    await accept(catalog, "r");
    await catalog.withdrawCall(await reserve(catalog, "r"), { spend: false });
    const { calls, request } = await found(catalog, "r");
    expect([calls, request.attempt]).toEqual([[], 0]);
    expect((await reserve(catalog, "r")).number).toBe(1);
  });

  test.each(["refused", "unknown"] as const)("%s: with the reason and an attempt spent", async (state) => {
    const catalog = await openTestCatalog();
    await accept(catalog, "r");
    await catalog.closeCall(await reserve(catalog, "r"), { state, failure: FAILURE, spend: true });
    const { calls, request } = await found(catalog, "r");
    expect(calls[0]).toMatchObject({ state, http_status: 503, api_request_id: "api-9" });
    expect(calls[0]?.error).toEqual({ code: FAILURE.code, message: FAILURE.message });
    expect(request).toMatchObject({ state: "generating", attempt: 1 });
  });

  test("closed once: a second end changes neither the row nor the attempts", async () => {
    const catalog = await openTestCatalog();
    await accept(catalog, "r");
    const call = await reserve(catalog, "r");
    await catalog.closeCall(call, { state: "refused", failure: FAILURE, spend: true });
    const before = await found(catalog, "r");
    await catalog.closeCall(call, { state: "unknown", failure: { ...FAILURE, code: "late" }, spend: true });
    await catalog.withdrawCall(call, { spend: true });
    expect(await found(catalog, "r")).toEqual(before);
  });

  test("answered: images, generation and the way to the copies in one commit, with all attempts for the next stage", async () => {
    const catalog = await openTestCatalog();
    await accept(catalog, "r", { n: 2 });
    await catalog.closeCall(await reserve(catalog, "r"), { state: "refused", failure: FAILURE, spend: true });
    const detail = await catalog.answerCall(await reserve(catalog, "r", { n: 2, seed: 7 }), answer([0, 1]));
    expect(detail.request).toMatchObject({ state: "copying", attempt: 0, error: null });
    expect(detail.calls.map((call) => call.state)).toEqual(["refused", "answered"]);
    expect(detail.images.map(({ index, call_number }) => [index, call_number])).toEqual([
      [0, 2],
      [1, 2],
    ]);
    expect(detail.generations).toEqual([
      { request_id: "r", call_number: 2, api_created: 1_750_000_000, expires_at: 9_000_000_000_000, usage: null },
    ]);
  });

  test("answered twice: the second word changes nothing", async () => {
    const catalog = await openTestCatalog();
    await accept(catalog, "r");
    const call = await reserve(catalog, "r");
    const first = await catalog.answerCall(call, answer([0]));
    expect(await catalog.answerCall(call, answer([0]))).toEqual(first);
  });

  test("answered short: the request goes on, and the missing image completes it", async () => {
    const catalog = await openTestCatalog();
    await accept(catalog, "r", { n: 2 });
    const short = await catalog.answerCall(
      await reserve(catalog, "r", { n: 2, seed: 7 }),
      answer([0], { complete: false }),
    );
    expect(short.request).toMatchObject({ state: "generating", attempt: 1 });
    const whole = await catalog.answerCall(await reserve(catalog, "r", { n: 1, seed: 8 }), answer([1]));
    expect(whole.request.state).toBe("copying");
    expect(whole.images.map(({ index, call_number }) => [index, call_number])).toEqual([
      [0, 1],
      [1, 2],
    ]);
  });

  test("answered with nothing: the call is paid and stands, the request goes on", async () => {
    const catalog = await openTestCatalog();
    await accept(catalog, "r");
    const detail = await catalog.answerCall(await reserve(catalog, "r"), answer([], { complete: false }));
    expect(detail.request).toMatchObject({ state: "generating", attempt: 1 });
    expect(detail.calls[0]?.state).toBe("answered");
  });
});

describe("an answer that comes late, after its call was given up as unknown,", () => {
  const unknown = { state: "unknown", failure: FAILURE, spend: true } as const;

  test.each<RequestState>(["generating", "parked"])("is kept, when the request is %s", async (state) => {
    const catalog = await openTestCatalog();
    await accept(catalog, "r");
    const call = await reserve(catalog, "r");
    await catalog.closeCall(call, unknown);
    if (state === "parked") await catalog.finish("r", { state, error: { code: "unknown", message: "?" } });
    const detail = await catalog.answerCall(call, answer([0]));
    expect(detail.request).toMatchObject({ state: "copying", error: null });
    expect(detail.calls[0]).toMatchObject({ state: "answered", error: null });
  });

  test("does not push out the images of the call that replaced it", async () => {
    const catalog = await openTestCatalog();
    await accept(catalog, "r");
    const late = await reserve(catalog, "r");
    await catalog.closeCall(late, unknown);
    const kept = await catalog.answerCall(await reserve(catalog, "r"), answer([0]));
    const detail = await catalog.answerCall(late, answer([0]));
    expect(detail.images).toEqual(kept.images);
    expect(detail.generations).toHaveLength(2);
    expect(detail.calls.map((call) => call.state)).toEqual(["answered", "answered"]);
  });

  test("leaves a failed request failed, but a retry then costs nothing", async () => {
    const catalog = await openTestCatalog();
    await accept(catalog, "r");
    const call = await reserve(catalog, "r");
    await catalog.closeCall(call, unknown);
    await catalog.finish("r", { state: "failed", error: { code: "attempts_exhausted", message: "x" } });
    expect((await catalog.answerCall(call, answer([0]))).request.state).toBe("failed");
    expect(await catalog.retry("r")).toEqual({ stage: "archive", pays: false });
  });
});

describe("reuse", () => {
  test("answers an explicit-seed recipe from the newest archived request, at no cost", async () => {
    let now = 1;
    const catalog = await openTestCatalog({ clock: { now: () => now++ } });
    for (const [id, letter] of [
      ["old", "a"],
      ["new", "b"],
    ] as const) {
      await accept(catalog, id, { ...EXPLICIT, reuse: false });
      await archiveWhole(catalog, id, letter);
    }
    await accept(catalog, "r", EXPLICIT);
    const reused = await catalog.reuse("r");
    expect(reused?.request).toMatchObject({ state: "copying", reused_from: "new" });
    expect(reused?.images).toMatchObject([{ index: 0, digest: "b".repeat(64), url: null, call_number: null }]);
    expect(reused?.calls).toEqual([]);
  });

  test.each([
    ["asks for a fresh one", { seed: 42, reuse: false }],
    ["named no seed", {}],
    ["has another recipe", { seed: 42, n: 2 }],
  ])("does not answer a request that %s", async (_, fields) => {
    const catalog = await openTestCatalog();
    await accept(catalog, "source", EXPLICIT);
    await archiveWhole(catalog, "source");
    await accept(catalog, "r", fields);
    expect(await catalog.reuse("r")).toBeUndefined();
  });

  test("not from images that are lost: the recipe is made again, nobody waits for the loser, and the fault is gone", async () => {
    const catalog = await openTestCatalog();
    await accept(catalog, "old", { seed: 3 });
    await archiveWhole(catalog, "old");
    await catalog.integrity.recordProofs([{ digest: asset("a").digest, fault: "missing" }]);
    await accept(catalog, "new", { seed: 3 });
    expect(await catalog.reuse("new")).toBeUndefined();
    const { recipe_id } = (await found(catalog, "new")).request;
    expect(catalog.getManifestStatus([{ request_id: "x", recipe_id }])).toMatchObject([{ twin: null }]);
    // the same bytes come again
    await archiveWhole(catalog, "new");
    await accept(catalog, "third", { seed: 3 });
    expect((await catalog.reuse("third"))?.request.reused_from).toBe("new");
    await catalog.edits.delete("new", 9e12);
    await catalog.edits.delete("old", 9e12);
    expect(catalog.getManifestStatus([{ request_id: "x", recipe_id }])).toMatchObject([{ twin: "underway" }]);
  });

  test("answers a request whose own calls failed, too: or it would wait for its twin for ever", async () => {
    const catalog = await openTestCatalog();
    await accept(catalog, "r", EXPLICIT);
    await catalog.closeCall(await reserve(catalog, "r"), { state: "refused", failure: FAILURE, spend: true });
    await accept(catalog, "fresh", { ...EXPLICIT, reuse: false });
    await archiveWhole(catalog, "fresh");
    expect((await catalog.reserveCall("r", ONE)).kind).toBe("in_flight_elsewhere");
    expect((await catalog.reuse("r"))?.request).toMatchObject({ state: "copying", reused_from: "fresh" });
  });

  test.each(["a call out", "images of its own"])("does not answer a request that has %s", async (what) => {
    const catalog = await openTestCatalog();
    await accept(catalog, "r", { ...EXPLICIT, n: 2 });
    const call = await reserve(catalog, "r");
    if (what !== "a call out") await catalog.answerCall(call, answer([0], { complete: false }));
    await accept(catalog, "fresh", { ...EXPLICIT, n: 2, reuse: false });
    await catalog.answerCall(await reserve(catalog, "fresh"), answer([0, 1]));
    for (const index of [0, 1]) await catalog.recordAsset({ request_id: "fresh", index }, asset("ab"[index] as string));
    expect(await catalog.finish("fresh", { state: "archived" })).toBe(true);
    expect(await catalog.reuse("r")).toBeUndefined();
  });
});
