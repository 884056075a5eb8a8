import { describe, expect, test } from "vitest";
import { readManifest } from "../../../src/batches/manifest/manifest.ts";
import { tallyManifest } from "../../../src/batches/plan/tally.ts";
import type { OpenCatalog } from "../../../src/catalog/catalog.ts";
import { toRequest } from "../../../src/domain/request/submission.ts";
import { accept, answer, archiveWhole, FAILURE, openTestCatalog, reserve } from "../../catalog/support.ts";
import { inPieces } from "../manifest/support.ts";

function manifestOf(items: readonly object[]) {
  return readManifest({ name: "n.jsonl", bytes: inPieces(items.map((one) => JSON.stringify(one)).join("\n"), 4096) });
}

function tally(catalog: OpenCatalog, items: readonly object[]) {
  return tallyManifest(manifestOf(items), { lookUp: catalog.getManifestStatus });
}

/** Accepts the items, as a run of the manifest would. */
async function run(catalog: OpenCatalog, items: readonly object[]): Promise<string[]> {
  const ids: string[] = [];
  for await (const entry of manifestOf(items)) {
    if ("faults" in entry) throw new Error(JSON.stringify(entry));
    const { submission } = entry;
    const request = toRequest(submission, { requestId: submission.request_id, random: () => 0.5 });
    await catalog.accept(request, { jobId: `req-${submission.request_id}` });
    ids.push(submission.request_id);
  }
  return ids;
}

const NOTHING = {
  items: 1,
  duplicates: 0,
  already_archived: 0,
  unfinished: 0,
  parked: 0,
  cancelled: 0,
  reused: 0,
  failed_before: 0,
  new: 0,
  recipes: 1,
};

const end = (state: "failed" | "parked" | "cancelled") => async (catalog: OpenCatalog, id: string) => {
  await catalog.finish(id, { state, error: { code: "http_400", message: "no" } });
};

describe("an item whose request an earlier run accepted", () => {
  const item = { prompt: "a fox" };
  test.each<[string, (catalog: OpenCatalog, id: string) => Promise<unknown>, string, number]>([
    ["queued", async () => undefined, "unfinished", 0],
    ["generating", async (catalog, id) => reserve(catalog, id), "unfinished", 0],
    ["copying", async (catalog, id) => catalog.answerCall(await reserve(catalog, id), answer([0])), "unfinished", 0],
    ["archived", async (catalog, id) => archiveWhole(catalog, id), "already_archived", 0],
    ["failed", end("failed"), "failed_before", 1],
    ["parked", end("parked"), "parked", 0],
    ["cancelled", end("cancelled"), "cancelled", 0],
  ])("and that is %s counts as such", async (_, live, kind, images) => {
    const catalog = await openTestCatalog();
    const [id = ""] = await run(catalog, [item]);
    await live(catalog, id);
    const { tally: counts, work } = await tally(catalog, [item]);
    expect(counts).toEqual({ ...NOTHING, [kind]: 1 });
    expect(work).toMatchObject({ images, calls: images === 0 ? 0 : 1 });
  });
});

describe("a new item", () => {
  const fields = { prompt: "a fox", seed: 7 };
  test.each<[string, object, (catalog: OpenCatalog, id: string) => Promise<unknown>, "new" | "reused"]>([
    ["has an archived recipe", {}, async (catalog, id) => archiveWhole(catalog, id), "reused"],
    [
      "has a recipe whose images are being copied",
      {},
      async (catalog, id) => catalog.answerCall(await reserve(catalog, id), answer([0])),
      "reused",
    ],
    ["has a recipe that failed", {}, end("failed"), "new"],
    ["has a recipe that is only queued", {}, async () => undefined, "new"],
    ["wants it fresh", { reuse: false }, async (catalog, id) => archiveWhole(catalog, id), "new"],
    ["has another recipe", { steps: 9 }, async (catalog, id) => archiveWhole(catalog, id), "new"],
    ["has a seed that is drawn", { seed: -1 }, async (catalog, id) => archiveWhole(catalog, id), "new"],
  ])("that %s is reused or new", async (_, more, live, kind) => {
    const catalog = await openTestCatalog();
    await accept(catalog, "other", fields);
    await live(catalog, "other");
    const { tally: counts } = await tally(catalog, [{ ...fields, ...more }]);
    expect(counts).toEqual({ ...NOTHING, [kind]: 1 });
  });
});

describe("a plan", () => {
  test("counts every item once, pays for a recipe once, and adds up", async () => {
    const catalog = await openTestCatalog();
    const items = [
      { prompt: "a fox" },
      { prompt: "a fox" },
      { prompt: "a fox", tags: ["other"] },
      { prompt: "a fox", tags: ["fresh"], reuse: false },
      { prompt: "drawn", seed: -1, n: 2, aspect_ratio: "16:9" },
      { prompt: "drawn", seed: -1, n: 2, aspect_ratio: "16:9", tags: ["again"] },
      { prompt: "many", seeds: 600 },
    ];
    const { tally: counts, work, faults } = await tally(catalog, items);
    expect(counts).toEqual({ ...NOTHING, items: 606, duplicates: 1, reused: 1, new: 604, recipes: 603 });
    expect(work.calls).toBe(604);
    expect(work.images).toBe(606);
    expect(Object.fromEntries(work.imagesByAspectRatio)).toEqual({ "1:1": 602, "16:9": 4 });
    expect(faults.count).toBe(0);
  });

  test("tells an id that the catalog has with other content", async () => {
    const catalog = await openTestCatalog();
    await accept(catalog, "taken", { prompt: "a heron" });
    const { tally: counts, faults } = await tally(catalog, [{ prompt: "a fox", request_id: "taken" }, { prompt: "b" }]);
    expect(counts.items).toBe(1);
    expect(faults.shown).toEqual([
      {
        line: 1,
        field: "request_id",
        message: 'wanted an id of its own, got "taken", which the catalog has with other content',
      },
    ]);
  });

  test("keeps the first hundred faults and counts them all", async () => {
    const catalog = await openTestCatalog();
    const { faults } = await tally(
      catalog,
      Array.from({ length: 250 }, () => ({ prompt: "x", steps: 99 })),
    );
    expect(faults.count).toBe(250);
    expect(faults.shown.length).toBe(100);
    expect(faults.shown.at(-1)?.line).toBe(100);
  });
});

describe("experience", () => {
  test("is what recent calls took and recent images weighed", async () => {
    let now = 1_000;
    const catalog = await openTestCatalog({ clock: { now: () => now } });
    expect(catalog.durationHistory()).toEqual({ median_call_ms: null, mean_bytes: new Map() });
    for (const [id, took] of [
      ["a", 100],
      ["b", 900],
      ["c", 300],
    ] as const) {
      await accept(catalog, id, { aspect_ratio: "16:9" });
      const call = await reserve(catalog, id);
      now += took;
      await catalog.answerCall(call, answer([0]));
      await catalog.recordAsset(
        { request_id: id, index: 0 },
        { ...ASSET, digest: id.repeat(64), key: id, bytes: took, phash: "0123456789abcdef" },
      );
      await catalog.finish(id, { state: "archived" });
    }
    await accept(catalog, "d");
    await catalog.closeCall(await reserve(catalog, "d"), { state: "refused", failure: FAILURE, spend: true });
    expect(catalog.durationHistory()).toEqual({ median_call_ms: 300, mean_bytes: new Map([["16:9", 1300 / 3]]) });
  });
});

const ASSET = { content_type: "image/png", width: 1, height: 1, archived_at: 5 } as const;
