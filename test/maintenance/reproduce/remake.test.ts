// Images of which no good copy is left, made again of their recipes.
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { TransientError } from "../../../src/domain/errors.ts";
import type { RequestDetail } from "../../../src/domain/records.ts";
import { createInspector } from "../../../src/image/inspect.ts";
import { type RepairDeps, type Repaired, repair } from "../../../src/maintenance/repair.ts";
import { remakeLost } from "../../../src/maintenance/reproduce/remake.ts";
import { verify } from "../../../src/maintenance/verify.ts";
import { openBusyWorld, type World } from "../../support/world.ts";
import { archive } from "./support.ts";

const signal = new AbortController().signal;

const pathOf = ({ folder }: World, detail: RequestDetail, index = 0) =>
  join(folder, "archive", detail.assets.find((one) => one.digest === detail.images[index]?.digest)?.key ?? "");

type Places = Partial<Pick<RepairDeps, "mirror" | "store" | "downloader">>;

/** Verifies and repairs without a mirror and without a provider who still has anything. */
async function repairAlone({ app }: World, places: Places = {}): Promise<Repaired[]> {
  const parts = { catalog: app.catalog(), store: app.store(), clock: app.clock, inspect: createInspector(), signal };
  const { found } = await verify({ ...parts, onProgress: () => undefined });
  const gone = () => Promise.reject(new TransientError("404", { code: "download_gone" }));
  return (await repair({ ...parts, mirror: undefined, downloader: { download: gone }, ...places }, found)).repaired;
}

async function findings({ app }: World): Promise<string[]> {
  const parts = { catalog: app.catalog(), store: app.store(), clock: app.clock, inspect: createInspector(), signal };
  return (await verify({ ...parts, onProgress: () => undefined })).found.map((finding) => finding.kind);
}

test("come back where the model still makes them to the byte, missing and spoilt ones", async () => {
  const world = await openBusyWorld();
  const missing = await archive(world, { request_id: "missing", prompt: "a red fox", n: 2 });
  const spoilt = await archive(world, { request_id: "spoilt", prompt: "a blue fox" });
  const before = await readFile(pathOf(world, missing, 1));
  await rm(pathOf(world, missing, 1));
  await writeFile(pathOf(world, spoilt), "spoilt");
  const left = await repairAlone(world);
  expect(left.map((one) => one.left)).toEqual(left.map(() => expect.stringContaining("--remake")));
  const remade = await remakeLost(world.app, left, { maxImages: 3, signal });
  expect(remade).toMatchObject([
    { by: "remade", left: null, remade_as: expect.stringMatching(/\.r2/) },
    { by: "remade", left: null, remade_as: expect.stringMatching(/\.r2/) },
  ]);
  expect(await readFile(pathOf(world, missing, 1))).toEqual(before);
  expect(await findings(world)).toEqual([]);
});

test("stand beside the lost ones where the model has changed, labelled, and overwrite nothing", async () => {
  const world = await openBusyWorld();
  const original = await archive(world, { request_id: "fox", prompt: "a red fox", n: 2 });
  await rm(pathOf(world, original, 0));
  world.sandbox.configure({ modelChange: "slight" });
  const [remade] = await remakeLost(world.app, await repairAlone(world), { maxImages: 2, signal });
  expect(remade).toMatchObject({
    by: null,
    left: expect.stringMatching(/other bytes than the lost ones; beside it image 1 near/),
  });
  const made = await world.app.catalog().find(remade?.remade_as ?? "");
  expect(made?.request).toMatchObject({ reproduces: "fox", collection: "reproductions", state: "archived" });
  expect(await world.app.catalog().find("fox")).toEqual(original);
  expect(await findings(world)).toEqual(["missing"]);
  const images = await readdir(join(world.folder, "archive/images"), { recursive: true });
  expect(images.filter((name) => name.endsWith(".png"))).toHaveLength(3);
});

test("are not made again beyond the budget, nor where no recipe is left to ask for", async () => {
  const world = await openBusyWorld();
  const dear = await archive(world, { request_id: "dear", prompt: "four foxes", n: 4 });
  const gone = await archive(world, { request_id: "gone", prompt: "a red fox" });
  await rm(pathOf(world, dear));
  await rm(pathOf(world, gone));
  await world.app.catalog().edits.delete("gone", Number.MAX_SAFE_INTEGER);
  const paid = world.sandbox.bill().images;
  const remade = await remakeLost(world.app, await repairAlone(world), { maxImages: 3, signal });
  const byDigest = new Map(remade.map((one) => [one.digest, one.left]));
  expect(byDigest.get(dear.images[0]?.digest ?? "")).toContain("the budget is too small");
  expect(byDigest.get(gone.images[0]?.digest ?? "")).toContain("no request is left");
  expect(world.sandbox.bill().images).toBe(paid);
});

test("what came out different is never paid for again without being told to", async () => {
  const world = await openBusyWorld();
  const original = await archive(world, { request_id: "fox", prompt: "a red fox" });
  await rm(pathOf(world, original));
  world.sandbox.configure({ modelChange: "slight" });
  const [first] = await remakeLost(world.app, await repairAlone(world), { maxImages: 9, signal });
  const paid = world.sandbox.bill().paid_calls;
  const [second] = await remakeLost(world.app, await repairAlone(world), { maxImages: 9, signal });
  expect(second).toMatchObject({
    by: null,
    remade_as: first?.remade_as,
    left: expect.stringMatching(/made again before/),
  });
  expect(second?.left).toContain("--again");
  expect(world.sandbox.bill().paid_calls).toBe(paid);
  const [third] = await remakeLost(world.app, await repairAlone(world), { maxImages: 9, again: true, signal });
  expect(third?.remade_as).not.toBe(first?.remade_as);
  expect(world.sandbox.bill().paid_calls).toBe(paid + 1);
});

test("what came back is made again when it is lost a second time", async () => {
  const world = await openBusyWorld();
  const original = await archive(world, { request_id: "fox", prompt: "a red fox" });
  for (const paid of [2, 3]) {
    await rm(pathOf(world, original));
    const [remade] = await remakeLost(world.app, await repairAlone(world), { maxImages: 1, signal });
    expect(remade).toMatchObject({ by: "remade", left: null });
    expect(world.sandbox.bill().paid_calls).toBe(paid);
  }
});

test("are not paid for while a place that may have a copy does not answer", async () => {
  const world = await openBusyWorld();
  const original = await archive(world, { request_id: "fox", prompt: "a red fox" });
  const good = await readFile(pathOf(world, original));
  await rm(pathOf(world, original));
  const store = world.app.store();
  const away = () => Promise.reject(new TransientError("connect ECONNREFUSED", { code: "store_unreachable" }));
  const cut = () => Promise.reject(new TransientError("the connection failed", { code: "download_failed" }));
  const cases: [Places, string][] = [
    [{ mirror: { ...store, get: away } }, "the mirror did not answer"],
    [{ downloader: { download: cut } }, "the provider did not answer"],
    // a good copy that could not be put back
    [{ mirror: { ...store, get: async () => good }, store: { ...store, put: away } }, "ECONNREFUSED"],
    // a store that went away between finding and repairing
    [{ store: { ...store, get: away } }, "ECONNREFUSED"],
  ];
  const paid = world.sandbox.bill().images;
  for (const [places, reason] of cases) {
    const left = await repairAlone(world, places);
    expect(left).toMatchObject([{ by: null, left: expect.stringContaining(reason) }]);
    expect(await remakeLost(world.app, left, { maxImages: 3, again: true, signal })).toEqual(left);
  }
  expect(world.sandbox.bill().images).toBe(paid);
  // every place has answered that it has none
  const none = { ...store, get: async () => undefined };
  const lost = await repairAlone(world, { mirror: none });
  expect(await remakeLost(world.app, lost, { maxImages: 3, signal })).toMatchObject([{ by: "remade", left: null }]);
  expect(world.sandbox.bill().images).toBe(paid + 1);
});
