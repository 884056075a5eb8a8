// Recipes asked for again from a sandbox whose model changes, by a real worker.
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { submit, waitForEnd } from "../../../src/app/submit.ts";
import { sidecarKey } from "../../../src/domain/keys.ts";
import type { Proof, RequestDetail } from "../../../src/domain/records.ts";
import { createInspector } from "../../../src/image/inspect.ts";
import { compareReproduction } from "../../../src/maintenance/compare.ts";
import { rebuildTo } from "../../../src/maintenance/rebuild.ts";
import { askAgain, askWithin, findOriginal } from "../../../src/maintenance/reproduce/ask.ts";
import { followReproductions } from "../../../src/maintenance/reproduce/follow.ts";
import { verify } from "../../../src/maintenance/verify.ts";
import { toDriftReport } from "../../../src/output/report/proof-view.ts";
import { openBusyWorld, openWorld, type World } from "../../support/world.ts";
import { rowsOf } from "../support.ts";
import { archive } from "./support.ts";

const signal = new AbortController().signal;

/** A reproduction of it, compared. */
async function again({ app }: World, id: string): Promise<RequestDetail & { proof: Proof }> {
  const ids = await askAgain(app, [await findOriginal(app, id)], { collection: "reproductions" });
  const { why, details } = await followReproductions(app, ids, { signal: AbortSignal.timeout(60_000) });
  const [detail] = details;
  if (why !== "ended" || detail === undefined || detail.proof === null) throw new Error(`Got ${why}, wanted a proof`);
  return { ...detail, proof: detail.proof };
}

const pathOf = ({ folder }: World, key: string) => join(folder, "archive", key);

describe("a reproduction", () => {
  test("is a request of its own, with the very recipe, that leaves the original as it was", async () => {
    const world = await openBusyWorld();
    const original = await archive(world, { request_id: "fox", prompt: "a red fox", n: 2, tags: ["fox"], steps: 30 });
    const made = await again(world, "fox");
    expect(made.request).toMatchObject({
      recipe: original.request.recipe,
      recipe_id: original.request.recipe_id,
      reproduces: "fox",
      collection: "reproductions",
      metadata: { reproduces: "fox" },
      reused_from: null,
      seed_given: true,
    });
    expect(made.request.request_id).toMatch(/^fox\.r\d{8}T/);
    expect(made.calls).toMatchObject([{ state: "answered", n: 2, seed: original.request.recipe?.seed }]);
    expect(world.sandbox.bill()).toMatchObject({ calls: 2, images: 4 });
    expect(await world.app.catalog().find("fox")).toEqual(original);
    expect(made.assets).toEqual(original.assets);
  });

  test("tells image by image how what comes compares, as the model changes", async () => {
    const world = await openBusyWorld();
    await archive(world, { request_id: "fox", prompt: "a red fox", seed: 42, n: 2 });
    const outcomes: [string, ...Proof["images"]][] = [];
    for (const modelChange of ["none", "encoder", "slight", "other"] as const) {
      world.sandbox.configure({ modelChange });
      const { proof } = await again(world, "fox");
      outcomes.push([proof.outcome, ...proof.images]);
    }
    const [same, encoder, slight, other] = outcomes;
    expect(same).toMatchObject([
      "identical_bytes",
      { index: 0, distance: null },
      { index: 1, outcome: "identical_bytes" },
    ]);
    expect(encoder).toMatchObject([
      "identical_pixels",
      { distance: 0, mean_error: 0 },
      { outcome: "identical_pixels" },
    ]);
    expect(slight).toMatchObject(["near", { outcome: "near" }, { outcome: "near" }]);
    expect(other).toMatchObject(["drifted", { outcome: "drifted" }, { outcome: "drifted" }]);
    expect(slight?.slice(1).every((image) => ((image as Proof["images"][0]).mean_error ?? 0) > 0)).toBe(true);
    // whoever asks for the recipe gets the original all the same
    const later = await archive(world, { request_id: "later", prompt: "a red fox", seed: 42, n: 2 });
    expect(later.request.reused_from).toBe("fox");
  });

  test("of a request that another one answered is compared with what that one had made", async () => {
    const world = await openBusyWorld();
    const maker = await archive(world, { request_id: "fox", prompt: "a red fox", seed: 42 });
    await archive(world, { request_id: "twin", prompt: "a red fox", seed: 42 });
    const { proof } = await again(world, "twin");
    expect(proof).toMatchObject({ outcome: "identical_bytes", original_id: "twin" });
    expect(proof.original_generated_at).toBe((maker.generations[0]?.api_created ?? 0) * 1000);
  });

  test("is said in its sidecar, and comes back with a rebuilt catalog", async () => {
    const world = await openBusyWorld();
    await archive(world, { request_id: "fox", prompt: "a red fox", seed: 42 });
    world.sandbox.configure({ modelChange: "slight" });
    const { request, proof } = await again(world, "fox");
    const parts = { store: world.app.store(), clock: world.app.clock, inspect: createInspector(), signal };
    const checked = await verify({ ...parts, catalog: world.app.catalog(), onProgress: () => undefined });
    expect(checked.found).toEqual([]);
    const sidecar = JSON.parse(await readFile(pathOf(world, sidecarKey(request)), "utf8"));
    expect(sidecar).toMatchObject({ version: 1, request: { reproduces: "fox" }, proof: { outcome: "near" } });
    expect(sidecar.proof.images).toEqual(proof.images);
    const file = join(world.folder, "catalog.db");
    const target = join(world.folder, "again.db");
    const rebuilding = { ...parts, file, onProgress: () => undefined };
    expect(await rebuildTo(target, rebuilding)).toMatchObject({ requests: 2, unusable: [] });
    for (const table of ["proofs", "proof_images"]) {
      expect(rowsOf(target, table), table).toEqual(rowsOf(file, table));
      expect(rowsOf(target, table), table).toHaveLength(1);
    }
    expect(rowsOf(target, "requests").map((row) => row.reproduces)).toContain("fox");
  });
});

describe("what cannot be compared says so, and is never called drifted", () => {
  test("an original that is not in the store, is spoilt there, or was erased, as was asked", async () => {
    const world = await openBusyWorld();
    const { edits } = world.app.catalog();
    const keyOf = async (id: string) => (await archive(world, { request_id: id, prompt: id })).assets[0]?.key ?? "";
    const [lost, spoilt, erased] = [await keyOf("lost"), await keyOf("spoilt"), await keyOf("erased")];
    await rm(pathOf(world, lost));
    await writeFile(pathOf(world, spoilt), "spoilt");
    await edits.delete("erased", 0);
    await edits.beginErasure("erased");
    await edits.endErasure("erased");
    await rm(pathOf(world, erased), { force: true });
    world.sandbox.configure({ modelChange: "other" });
    const proofs = [await again(world, "lost"), await again(world, "spoilt"), await again(world, "erased")];
    const nothing = { outcome: "incomparable", distance: null, mean_error: null };
    expect(proofs.map(({ proof }) => [proof.outcome, proof.images])).toEqual(
      [
        "the original's image is not in the store",
        "the original's image is spoilt: the store holds other bytes under its key",
        "the original's image was erased, as was asked",
      ].map((reason) => ["incomparable", [expect.objectContaining({ ...nothing, reason })]]),
    );
  });

  test("an image that was made up for by a call of its own, beside one that can be compared", async () => {
    const world = await openBusyWorld({ sandbox: { shortRate: 1 } });
    const { request_id } = (await submit(world.app, { request_id: "foxes", prompt: "two foxes", n: 2 })).request;
    const original = await waitForEnd(world.app, request_id, AbortSignal.timeout(60_000));
    expect(original?.calls.length).toBeGreaterThan(1);
    world.sandbox.configure({ shortRate: 0 });
    const { proof } = await again(world, "foxes");
    expect(proof.outcome).toBe("identical_bytes");
    expect(proof.images.map(({ outcome }) => outcome)).toEqual(["identical_bytes", "incomparable"]);
    expect(proof.images[1]?.reason).toMatch(/it was made by a call for 1 with seed \d+/);
  });
});

describe("whoever waits", () => {
  test("is told at once that no worker lives", async () => {
    const world = await openWorld({ IMAGE_API_KEY: "key" });
    await expect(findOriginal(world.app, "fox")).rejects.toMatchObject({ code: "request_not_found" });
    const { request_id } = (await submit(world.app, { request_id: "fox", prompt: "a red fox" })).request;
    await expect(findOriginal(world.app, request_id)).rejects.toMatchObject({ code: "not_reproducible" });
    const { why, details } = await followReproductions(world.app, [request_id], { signal });
    expect(why).toBe("no_worker");
    expect(details.map((detail) => detail.request.state)).toEqual(["queued"]);
  });

  test("and goes leaves what was accepted to the worker, whose care compares it", async () => {
    const world = await openBusyWorld({ sandbox: { latencyMs: 50 } });
    const { app } = world;
    await archive(world, { request_id: "fox", prompt: "a red fox" });
    const ids = await askAgain(app, [await findOriginal(app, "fox")], { collection: "mine" });
    const { why } = await followReproductions(app, ids, { signal: AbortSignal.abort() });
    expect(why).toBe("aborted");
    await expect
      .poll(async () => (await app.catalog().find(ids[0] ?? ""))?.proof?.outcome, { timeout: 60_000 })
      .toBe("identical_bytes");
    await expect(findOriginal(app, ids[0] ?? "")).rejects.toThrow(
      'it is a reproduction itself; wanted its original, "fox"',
    );
  });

  test("sees a failed one as failed, without a proof", async () => {
    const world = await openBusyWorld();
    const { app } = world;
    await archive(world, { request_id: "fox", prompt: "a red fox" });
    world.sandbox.configure({ forceStatus: 400 });
    const ids = await askAgain(app, [await findOriginal(app, "fox")], { collection: "mine" });
    const { why, details } = await followReproductions(app, ids, { signal: AbortSignal.timeout(60_000) });
    expect(why).toBe("ended");
    expect(details[0]).toMatchObject({ request: { state: "failed" }, proof: null });
    const { clock, log } = app;
    const parts = { catalog: app.catalog(), store: app.store(), clock, log, signal };
    expect(await compareReproduction(parts, ids[0] ?? "")).toBeNull();
    expect(await compareReproduction(parts, "fox")).toBeNull();
  });
});

test("a budget holds also where a call has to be made again because nobody learnt its outcome", async () => {
  const world = await openBusyWorld();
  const { app, sandbox } = world;
  for (const id of ["one", "two"]) await archive(world, { request_id: id, prompt: id });
  const paid = sandbox.bill().images;
  sandbox.configure({ resetRate: 1 });
  const originals = [await findOriginal(app, "one"), await findOriginal(app, "two")];
  const { ids, batchId } = await askWithin(app, originals, { collection: "reproductions", maxImages: 2 });
  const { why } = await followReproductions(app, ids, { signal: AbortSignal.timeout(60_000), batchId });
  expect(why).toBe("held");
  expect(sandbox.bill().images - paid).toBe(2);
  expect(app.catalog().batches.find(batchId)).toMatchObject({ committed_images: 2, max_images: 2, accepted: 2 });
});

test("the report shows the day on which the model changed", async () => {
  // the API's clock is believed for as long as that of a month ago
  const DAY = 86_400_000;
  const start = Math.floor(Date.now() / DAY) * DAY - 28 * DAY;
  let now = start;
  const world = await openBusyWorld({ sandbox: { now: () => now }, settings: { URL_LIFETIME: "3000d" } });
  for (const [at, modelChange] of (["none", "none", "other", "other"] as const).entries()) {
    now = start + at * 7 * DAY;
    world.sandbox.configure({ modelChange });
    await archive(world, { request_id: `m${at}`, prompt: `picture ${at}` });
  }
  now = start + 28 * DAY;
  for (const id of ["m0", "m1", "m2", "m3"]) await again(world, id);
  const { models, proofs } = toDriftReport(world.app.catalog().reproductions.list());
  expect(proofs.map(({ reproduces, outcome }) => [reproduces, outcome])).toEqual([
    ["m0", "drifted"],
    ["m1", "drifted"],
    ["m2", "identical_bytes"],
    ["m3", "identical_bytes"],
  ]);
  const iso = (ms: number) => new Date(ms).toISOString();
  const [drift] = models;
  expect(drift).toMatchObject({ model: "Qwen/Qwen-Image", originals: 4, proofs: 4, step: "day" });
  const drawn = drift?.curve.filter((point) => point.mean_distance !== null);
  expect(drawn?.map((point) => [point.from, point.drifted, point.identical_bytes])).toEqual([
    [iso(start).slice(0, 10), 1, 0],
    [iso(start + 7 * DAY).slice(0, 10), 1, 0],
    [iso(start + 14 * DAY).slice(0, 10), 0, 1],
    [iso(start + 21 * DAY).slice(0, 10), 0, 1],
  ]);
  expect(drift?.changes).toEqual([
    { after: iso(start + 7 * DAY), before: iso(start + 14 * DAY), of: "picture", contradicted: false },
  ]);
});
