import { describe, expect, test } from "vitest";
import type { OpenCatalog } from "../../../src/catalog/catalog.ts";
import type { RequestState } from "../../../src/domain/records.ts";
import type { TerminalState } from "../../../src/pipeline/ports.ts";
import { accept, answer, archiveWhole, asset, FAILURE, found, openTestCatalog, reserve } from "../support.ts";

const STATES: RequestState[] = ["queued", "generating", "copying", "archived", "failed", "parked", "cancelled"];
const REASON = { code: "why", message: "because" };

/** A request in this state, reached the way that requests reach it. */
async function bring(catalog: OpenCatalog, id: string, state: RequestState): Promise<void> {
  await accept(catalog, id);
  if (state === "queued") return;
  if (state === "archived") return archiveWhole(catalog, id);
  if (state === "generating") {
    await catalog.closeCall(await reserve(catalog, id), { state: "refused", failure: FAILURE, spend: true });
  } else if (state === "copying") {
    await catalog.answerCall(await reserve(catalog, id), answer([0]));
    await catalog.recordAsset({ request_id: id, index: 0 }, asset("a"));
  } else await catalog.finish(id, { state, error: REASON });
}

/** Which states an end may follow; in every other it changes nothing. */
const MAY_FOLLOW: Record<TerminalState["state"], RequestState[]> = {
  archived: ["copying"],
  failed: ["queued", "generating", "copying"],
  parked: ["queued", "generating"],
  cancelled: ["queued", "generating", "parked"],
};
const ENDS = Object.keys(MAY_FOLLOW) as TerminalState["state"][];

test.each(STATES.flatMap((from) => ENDS.map((to) => [from, to, MAY_FOLLOW[to].includes(from)] as const)))(
  "a request that is %s and is to be %s: %s",
  async (from, to, allowed) => {
    const catalog = await openTestCatalog();
    await bring(catalog, "r", from);
    const before = await found(catalog, "r");
    const end = to === "archived" ? { state: to } : { state: to, error: { code: "end", message: "the end" } };
    expect(await catalog.finish("r", end)).toBe(allowed);
    const after = await found(catalog, "r");
    if (!allowed) expect(after).toEqual(before);
    else if (to === "archived")
      expect(after.request).toMatchObject({ state: to, error: null, archived_at: expect.any(Number) });
    else expect(after.request).toMatchObject({ state: to, error: { code: "end" }, archived_at: null });
  },
);

test.each([
  ["an image is missing", [0], [0]],
  ["an image is not archived", [0, 1], [0]],
  ["nothing came", [], []],
])("a request is not archived while %s", async (_, came, archived) => {
  const catalog = await openTestCatalog();
  await accept(catalog, "r", { n: 2 });
  await catalog.answerCall(await reserve(catalog, "r", { n: 2, seed: 1 }), answer(came));
  for (const index of archived) await catalog.recordAsset({ request_id: "r", index }, asset("a"));
  expect(await catalog.finish("r", { state: "archived" })).toBe(false);
  expect((await found(catalog, "r")).request.state).toBe("copying");
});

test("an end is written once, whoever comes first", async () => {
  const catalog = await openTestCatalog();
  await accept(catalog, "r");
  const ends = await Promise.all(
    ["one", "two", "three"].map((code) => catalog.finish("r", { state: "failed", error: { code, message: code } })),
  );
  expect(ends).toEqual([true, false, false]);
  expect((await found(catalog, "r")).request.error?.code).toBe("one");
});

test.each(STATES)(
  "a reason to wait is noted and counted only where there is something to wait for: %s",
  async (state) => {
    const catalog = await openTestCatalog();
    await bring(catalog, "r", state);
    const before = await found(catalog, "r");
    await catalog.recordError("r", { code: "slow", message: "wait", spend: true });
    const { request } = await found(catalog, "r");
    const unfinished = ["queued", "generating", "copying"].includes(state);
    expect(request.state).toBe(state);
    expect(request.attempt).toBe(before.request.attempt + (unfinished ? 1 : 0));
    expect(request.error?.code === "slow").toBe(unfinished);
  },
);

describe("assets", () => {
  test("are recorded once and shared", async () => {
    const catalog = await openTestCatalog();
    await archiveWhole2(catalog);
    const [one, two] = [await found(catalog, "one"), await found(catalog, "two")];
    expect(one.assets).toEqual(two.assets);
    expect(
      [...catalog.listArchivedImages()].map(({ request, asset }) => [request.request_id, asset.digest[0]]),
    ).toEqual([
      ["one", "a"],
      ["two", "a"],
    ]);
  });

  test("of an image that has one stay what they are", async () => {
    const catalog = await openTestCatalog();
    await accept(catalog, "r");
    await catalog.answerCall(await reserve(catalog, "r"), answer([0]));
    await catalog.recordAsset({ request_id: "r", index: 0 }, asset("a"));
    await catalog.recordAsset({ request_id: "r", index: 0 }, asset("b"));
    await catalog.recordSpoolFile({ request_id: "r", index: 0 }, "r.1.0");
    expect((await found(catalog, "r")).images).toMatchObject([{ digest: "a".repeat(64), spool_file: null }]);
  });
});

async function archiveWhole2(catalog: OpenCatalog): Promise<void> {
  for (const id of ["one", "two"]) {
    await accept(catalog, id);
    await archiveWhole(catalog, id);
  }
}

describe("retry", () => {
  test.each(STATES)("of a request that is %s", async (state) => {
    const catalog = await openTestCatalog();
    await bring(catalog, "r", state);
    const retried = await catalog.retry("r");
    const { request } = await found(catalog, "r");
    if (state === "failed" || state === "parked") {
      expect(retried).toEqual({ stage: "generate", pays: true });
      expect(request).toMatchObject({ state: "queued", attempt: 0, error: null });
    } else {
      expect(retried).toBeUndefined();
      expect(request.state).toBe(state);
    }
  });

  test("of nothing, and of data that never fitted", async () => {
    const catalog = await openTestCatalog();
    await catalog.acceptFault({ requestId: "f", jobId: "1", collection: "default", submitted: {}, error: REASON });
    expect([await catalog.retry("nobody"), await catalog.retry("f")]).toEqual([undefined, undefined]);
  });

  test.each([
    ["all alive", [0, 1], 2_000, { stage: "archive", pays: false }, [0, 1]],
    ["one never came", [0], 2_000, { stage: "generate", pays: true }, [0]],
    ["all dead", [0, 1], 1_000, { stage: "generate", pays: true }, []],
  ] as const)("goes back as far as it must: images %s", async (_, came, expires_at, retried, kept) => {
    const catalog = await openTestCatalog({ clock: { now: () => 1_000 } });
    await accept(catalog, "r", { n: 2 });
    await catalog.answerCall(await reserve(catalog, "r", { n: 2, seed: 1 }), answer(came, { expires_at }));
    await catalog.finish("r", { state: "failed", error: REASON });
    expect(await catalog.retry("r")).toEqual(retried);
    expect((await found(catalog, "r")).images.map((image) => image.index)).toEqual(kept);
  });

  test("keeps what is archived or on disk, though its URL is dead", async () => {
    const catalog = await openTestCatalog({ clock: { now: () => 1_000 } });
    await accept(catalog, "r", { n: 3 });
    await catalog.answerCall(await reserve(catalog, "r", { n: 3, seed: 1 }), answer([0, 1, 2], { expires_at: 500 }));
    await catalog.recordAsset({ request_id: "r", index: 0 }, asset("a"));
    await catalog.recordSpoolFile({ request_id: "r", index: 1 }, "r.1.1");
    await catalog.finish("r", { state: "failed", error: { code: "url_expired", message: "x" } });
    expect(await catalog.retry("r")).toEqual({ stage: "generate", pays: true });
    expect((await found(catalog, "r")).images.map((image) => image.index)).toEqual([0, 1]);
  });

  test.each([
    ["spool_lost", { stage: "generate", pays: true }],
    ["answer_broken", { stage: "generate", pays: true }],
    ["store_refused", { stage: "archive", pays: false }],
  ])("after %s of an answer in bytes", async (code, retried) => {
    const catalog = await openTestCatalog();
    await accept(catalog, "r");
    const inBytes = { index: 0, url: null, spool_file: "r.1.0", expires_at: null };
    await catalog.answerCall(await reserve(catalog, "r"), { ...answer([]), images: [inBytes], expires_at: null });
    await catalog.finish("r", { state: "failed", error: { code, message: "x" } });
    expect(await catalog.retry("r")).toEqual(retried);
  });
});

describe("cancel", () => {
  test.each([
    ["queued", { cancelled: true }],
    ["generating", { cancelled: true }],
    ["copying", { cancelled: false, state: "copying", paid: true }],
    ["archived", { cancelled: false, state: "archived", paid: true }],
    ["failed", { cancelled: false, state: "failed", paid: false }],
    ["parked", { cancelled: true }],
    ["cancelled", { cancelled: false, state: "cancelled", paid: false }],
  ] as const)("of a request that is %s", async (state, wanted) => {
    const catalog = await openTestCatalog();
    await bring(catalog, "r", state);
    expect(await catalog.cancel("r")).toEqual(wanted);
    expect((await found(catalog, "r")).request.state).toBe(wanted.cancelled ? "cancelled" : state);
  });

  test("of one whose call is out: it is paid, and will be archived", async () => {
    const catalog = await openTestCatalog();
    await accept(catalog, "r");
    await reserve(catalog, "r");
    expect(await catalog.cancel("r")).toEqual({ cancelled: false, state: "generating", paid: true });
  });

  test("of nothing", async () => {
    expect(await (await openTestCatalog()).cancel("nobody")).toBeUndefined();
  });

  test("and a call at the same moment: one of the two", async () => {
    const catalog = await openTestCatalog();
    await accept(catalog, "r");
    const [cancelled, reserved] = await Promise.all([catalog.cancel("r"), catalog.reserveCall("r", { n: 1, seed: 1 })]);
    expect([cancelled, reserved]).toEqual([{ cancelled: true }, { kind: "settled", state: "cancelled" }]);
  });
});
