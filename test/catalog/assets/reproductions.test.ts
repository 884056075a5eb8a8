import { describe, expect, test } from "vitest";
import { type OpenCatalog, openCatalog } from "../../../src/catalog/catalog.ts";
import type { Proof } from "../../../src/domain/records.ts";
import { accept, archiveWhole, found, openTestCatalog, request, reserve, testFolder } from "../support.ts";

const RECIPE = { prompt: "a red fox", seed: 42 };

/** An archived reproduction of it. */
async function reproduce(catalog: OpenCatalog, originalId: string, id: string, letter = "b"): Promise<void> {
  const fields = { ...RECIPE, reuse: false, collection: "reproductions" };
  await catalog.accept(request(id, fields), { jobId: `req-${id}`, reproduces: originalId });
  await archiveWhole(catalog, id, letter);
}

function proof(id: string, originalId: string): Proof {
  const image = { index: 0, outcome: "near", distance: 3, mean_error: 1.5, digest: "b".repeat(64) } as const;
  return {
    request_id: id,
    original_id: originalId,
    outcome: "near",
    compared_at: 3_000,
    generated_at: 2_000,
    original_generated_at: 1_000,
    images: [{ ...image, original_digest: "a".repeat(64), reason: null }],
  };
}

describe("a reproduction", () => {
  test("names its original from its acceptance on, and is due for comparing once it is archived, until it is", async () => {
    const catalog = await openTestCatalog();
    await accept(catalog, "fox", RECIPE);
    await archiveWhole(catalog, "fox");
    await catalog.accept(request("again", { ...RECIPE, reuse: false }), { jobId: "j", reproduces: "fox" });
    expect((await found(catalog, "again")).request.reproduces).toBe("fox");
    expect(catalog.reproductions.listDue()).toEqual([]);
    await archiveWhole(catalog, "again", "b");
    expect(catalog.reproductions.listDue()).toEqual(["again"]);
    expect(await catalog.reproductions.record(proof("again", "fox"))).toBe(true);
    expect(catalog.reproductions.listDue()).toEqual([]);
    expect((await found(catalog, "again")).proof).toEqual(proof("again", "fox"));
    expect((await found(catalog, "fox")).proof).toBeNull();
    expect(catalog.reproductions.of("fox")).toMatchObject([
      { request_id: "again", state: "archived", outcome: "near" },
    ]);
    expect(catalog.reproductions.list()).toEqual([{ ...proof("again", "fox"), model: "Qwen/Qwen-Image" }]);
    expect(catalog.reproductions.list({ model: "another" })).toEqual([]);
  });

  test("is proven once: a second proof changes nothing, and the sidecar has to follow the first", async () => {
    const catalog = await openTestCatalog();
    await accept(catalog, "fox", RECIPE);
    await archiveWhole(catalog, "fox");
    await reproduce(catalog, "fox", "again");
    const { updated_at } = (await found(catalog, "again")).request;
    await catalog.edits.markSidecarCurrent("again", updated_at);
    expect(catalog.edits.listStaleSidecars()).not.toContain("again");
    await catalog.reproductions.record(proof("again", "fox"));
    expect(catalog.edits.listStaleSidecars()).toContain("again");
    const second: Proof = { ...proof("again", "fox"), outcome: "drifted", compared_at: 9_000 };
    expect(await catalog.reproductions.record(second)).toBe(false);
    expect((await found(catalog, "again")).proof).toEqual(proof("again", "fox"));
  });

  test("calls the API although its recipe is archived, and answers nobody in place of the original", async () => {
    const catalog = await openTestCatalog();
    await accept(catalog, "fox", RECIPE);
    await archiveWhole(catalog, "fox");
    await catalog.accept(request("again", { ...RECIPE, reuse: false }), { jobId: "j", reproduces: "fox" });
    expect(await catalog.reuse("again")).toBeUndefined();
    await reserve(catalog, "again", { n: 1, seed: 42 });
    await accept(catalog, "meanwhile", RECIPE);
    expect((await catalog.reuse("meanwhile"))?.request.reused_from).toBe("fox");
    await reproduce(catalog, "fox", "once more");
    await accept(catalog, "later", RECIPE);
    expect((await catalog.reuse("later"))?.request.reused_from).toBe("fox");
  });

  test("answers where nothing else of the recipe is left: what is paid for is not bought again", async () => {
    const catalog = await openTestCatalog();
    await accept(catalog, "fox", RECIPE);
    await archiveWhole(catalog, "fox");
    await reproduce(catalog, "fox", "again");
    await catalog.edits.delete("fox", 0);
    await accept(catalog, "later", RECIPE);
    expect((await catalog.reuse("later"))?.request.reused_from).toBe("again");
  });
});

describe("candidates for a sample", () => {
  const HOUR = 3_600_000;

  async function openFilled(): Promise<{ catalog: OpenCatalog; at(hours: number): void }> {
    let now = 1_000 * HOUR;
    const catalog = openCatalog({ file: `${testFolder()}/catalog.db`, clock: { now: () => now } });
    await catalog.register();
    const at = (hours: number) => {
      now = (1_000 + hours) * HOUR;
    };
    return { catalog, at };
  }

  async function archived(catalog: OpenCatalog, id: string, fields = {}): Promise<void> {
    await accept(catalog, id, { prompt: id, ...fields });
    await archiveWhole(catalog, id);
  }

  test("come from all of the time, the middle of each span first, so many of each at most", async () => {
    const { catalog, at } = await openFilled();
    for (const hours of [0, 1, 5, 6, 7, 99, 100]) {
      at(hours);
      await archived(catalog, `h${hours}`);
    }
    const ids = (perSpan: number) =>
      catalog.reproductions.candidates({ spans: 4, perSpan }).map((one) => [one.span, one.request_id]);
    expect(ids(1)).toEqual([
      [0, "h7"],
      [3, "h99"],
    ]);
    expect(ids(2).map(([, id]) => id)).toEqual(["h7", "h6", "h99", "h100"]);
    expect(catalog.reproductions.candidates({ spans: 4, perSpan: 9, model: "another" })).toEqual([]);
    catalog.close();
  });

  test("are archived originals only, those first that were never proven", async () => {
    const { catalog, at } = await openFilled();
    await archived(catalog, "proven", RECIPE);
    await archived(catalog, "deleted");
    await catalog.edits.delete("deleted", Number.MAX_SAFE_INTEGER);
    await accept(catalog, "waiting", { prompt: "waiting" });
    await accept(catalog, "reused", RECIPE);
    await catalog.reuse("reused");
    await catalog.finish("reused", { state: "archived" });
    at(1);
    await reproduce(catalog, "proven", "again");
    await catalog.reproductions.record(proof("again", "proven"));
    at(2);
    await archived(catalog, "busy");
    await catalog.accept(request("under-way", { prompt: "busy", reuse: false }), { jobId: "j", reproduces: "busy" });
    at(3);
    await archived(catalog, "fresh");
    const ids = catalog.reproductions.candidates({ spans: 1, perSpan: 9 }).map((one) => one.request_id);
    expect(ids).toEqual(["fresh", "proven"]);
    catalog.close();
  });

  test("are none in an empty catalog", async () => {
    const catalog = await openTestCatalog();
    expect(catalog.reproductions.candidates({ spans: 3, perSpan: 3 })).toEqual([]);
  });
});
