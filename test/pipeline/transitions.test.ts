// The ways in which a request comes to its end, over real adapters and the sandbox's faults.
import { readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { TransientError } from "../../src/domain/errors.ts";
import type { Store } from "../../src/pipeline/ports.ts";
import { found, keysOf, openWorld, runArchiveJobs, startProcess, work } from "./world.ts";

const DATA = { request_id: "r", prompt: "a red fox" };

/** A store that refuses images until the test allows them. */
function moody() {
  const mood = { down: true };
  const wrap = (store: Store): Store => ({
    ...store,
    put: (key, bytes, options) => {
      if (mood.down) return Promise.reject(new TransientError("Cannot put: 503", { code: "store_unavailable" }));
      return store.put(key, bytes, options);
    },
  });
  return { mood, wrap };
}

describe("archived", () => {
  test.each([
    ["URLs", { n: 3 }, {}],
    ["bytes with the data prefix", { n: 2, response_format: "b64_json" }, {}],
    ["bare bytes", { response_format: "b64_json" }, { base64: "bare" }],
    ["both at once", { n: 2, response_format: "b64_json" }, { bothForms: true }],
  ] as const)("from %s, each image under its digest, with an empty spool", async (_, fields, switches) => {
    const world = await openWorld(switches);
    const process = await startProcess(world);
    expect(await work(world, process, { ...DATA, ...fields })).toMatchObject([{ kind: "done" }]);
    const { request, images, assets } = await found(process, "r");
    expect(request).toMatchObject({ state: "archived", seed_given: false });
    expect(images.map((image) => image.digest)).toHaveLength(request.recipe?.n ?? 0);
    expect(await keysOf(process, "images/")).toEqual(assets.map((asset) => asset.key).sort());
    expect(world.sandbox.bill()).toMatchObject({ paid_calls: 1, images: request.recipe?.n });
    expect(readSpool(process.spoolFolder)).toEqual([]);
  });

  test("with a request id that begins with a dot, in bytes", async () => {
    const world = await openWorld();
    const process = await startProcess(world);
    await work(world, process, { ...DATA, request_id: "...", response_format: "b64_json" });
    expect((await found(process, "...")).request.state).toBe("archived");
  });

  test("the seed that was drawn is the one that is sent, at every try", async () => {
    const world = await openWorld();
    const process = await startProcess(world);
    await work(world, process, { ...DATA, prompt: "a fox [flaky]" });
    const { request, calls } = await found(process, "r");
    expect(calls.map((call) => call.state)).toEqual(["refused", "answered"]);
    const seeds = world.sandbox.bill().entries.map((entry) => entry.recipe?.seed);
    expect(seeds).toEqual([request.recipe?.seed, request.recipe?.seed]);
  });

  test("after a rate limit: everybody waits, and no attempt is spent", async () => {
    const world = await openWorld({ forceStatus: 429, settings: { attempts: 1 } });
    const process = await startProcess(world);
    expect(await process.generate(DATA)).toMatchObject({ kind: "wait", scope: "fleet" });
    expect((await found(process, "r")).request).toMatchObject({
      state: "generating",
      attempt: 0,
      error: { code: /./ },
    });
  });

  test.each([401, 402, 403])("after %s, which is the operator's: it waits and spends nothing", async (status) => {
    const world = await openWorld({ forceStatus: status, settings: { attempts: 1 } });
    const process = await startProcess(world);
    const outcome = await process.generate(DATA);
    expect(outcome).toMatchObject({ kind: "wait", scope: "fleet" });
    expect((await found(process, "r")).request).toMatchObject({ state: "generating", attempt: 0 });
    // the gate is shut for the others too
    expect(await process.generate({ ...DATA, request_id: "other" })).toMatchObject({ kind: "wait", scope: "fleet" });
    expect(world.sandbox.bill().calls).toBe(1);
  });
});

function readSpool(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

describe("short answers", () => {
  test("what came is copied at once, the missing ones are made up under a seed of their own", async () => {
    const world = await openWorld();
    const process = await startProcess(world);
    const data = { ...DATA, prompt: "foxes [short]", n: 3, seed: 42 };
    const first = await process.generate(data);
    expect(first).toMatchObject({ kind: "retry" });
    expect([...world.archiveJobs.keys()]).toEqual(["r part"]);
    await runArchiveJobs(world, process);
    const part = await found(process, "r");
    expect(part.request.state).toBe("generating");
    expect(part.images.every((image) => image.digest !== null)).toBe(true);
    await work(world, process, data);
    const { request, images, calls } = await found(process, "r");
    expect(request.state).toBe("archived");
    expect(images.map((image) => [image.index, image.call_number])).toEqual([
      [0, 1],
      [1, 1],
      [2, 2],
    ]);
    expect(calls.map(({ n, state }) => [n, state])).toEqual([
      [3, "answered"],
      [1, "answered"],
    ]);
    expect(calls[0]?.seed).toBe(42);
    expect(calls[1]?.seed).not.toBe(42);
    expect(new Set(images.map((image) => image.digest)).size).toBe(3);
  });

  test("an API that never brings the rest exhausts the attempts; what came stands in the store", async () => {
    const world = await openWorld({ settings: { attempts: 2 } });
    const process = await startProcess(world);
    world.sandbox.configure({ shortRate: 1 });
    const data = { ...DATA, n: 2 };
    await process.generate(data);
    world.sandbox.configure({ shortRate: 0, emptyRate: 1 });
    await work(world, process, data);
    const { request, images, assets } = await found(process, "r");
    expect(request).toMatchObject({ state: "failed", error: { code: "attempts_exhausted" } });
    expect(images).toMatchObject([{ index: 0, digest: assets[0]?.digest }]);
    expect(await keysOf(process)).toEqual([assets[0]?.key, expect.stringMatching(/r\.json$/)]);
  });
});

describe("failed", () => {
  test("content that the API refuses: at once, with its reason and a sidecar", async () => {
    const world = await openWorld();
    const process = await startProcess(world);
    const outcomes = await work(world, process, { ...DATA, prompt: "a fox [reject]" });
    expect(outcomes).toMatchObject([{ kind: "rejected", error: { code: "content_policy_violation" } }]);
    expect((await found(process, "r")).request).toMatchObject({
      state: "failed",
      error: { code: "content_policy_violation" },
    });
    expect(await keysOf(process)).toEqual([expect.stringMatching(/r\.json$/)]);
    // a job that is delivered once more says the same and calls nobody
    expect(await process.generate({ ...DATA, prompt: "a fox [reject]" })).toMatchObject({ kind: "rejected" });
    expect(world.sandbox.bill().calls).toBe(1);
  });

  test("an API that fails every time: after all attempts", async () => {
    const world = await openWorld();
    const process = await startProcess(world);
    const outcomes = await work(world, process, { ...DATA, prompt: "a fox [fail]" });
    expect(outcomes.map((outcome) => outcome.kind)).toEqual(["retry", "retry", "retry", "exhausted"]);
    expect((await found(process, "r")).request).toMatchObject({
      state: "failed",
      error: { code: "attempts_exhausted" },
    });
    expect(world.sandbox.bill().calls).toBe(4);
  });

  test("an image whose URL died before anybody could copy it", async () => {
    // the URL names its own end, which is sooner than URL_LIFETIME
    const world = await openWorld({ urlLifetimeMs: 1, settings: { urlLifetimeMs: 60_000 } });
    const process = await startProcess(world);
    await process.generate(DATA);
    expect(await process.archive("r")).toMatchObject({ kind: "rejected", error: { code: "url_expired" } });
    const { request, images } = await found(process, "r");
    expect(request).toMatchObject({ state: "failed", error: { code: "url_expired" } });
    expect(request.error?.message).not.toContain("?");
    expect(images).toMatchObject([{ digest: null }]);
    // a person may pay again for the same recipe
    world.sandbox.configure({ urlLifetimeMs: 60_000 });
    expect(await process.catalog.retry("r")).toEqual({ stage: "generate", pays: true });
    await work(world, process, DATA);
    expect((await found(process, "r")).request).toMatchObject({ state: "archived", error: null });
    expect(world.sandbox.bill().entries.map((entry) => entry.recipe?.seed)).toEqual([
      request.recipe?.seed,
      request.recipe?.seed,
    ]);
  });

  test("a copy that we broke off ourselves is no sign that the URL is dead", async () => {
    const world = await openWorld({ settings: { urlLifetimeMs: 1 } });
    const process = await startProcess(world);
    await process.generate(DATA);
    world.aheadMs = 1_000;
    expect(await process.archive("r", { signal: AbortSignal.abort() })).toMatchObject({ kind: "wait" });
    expect((await found(process, "r")).request.state).toBe("copying");
  });

  test("a URL that outlives its promise is copied all the same", async () => {
    const world = await openWorld({ settings: { urlLifetimeMs: 1 } });
    const process = await startProcess(world);
    await process.generate(DATA);
    world.aheadMs = 1_000;
    expect(await process.archive("r")).toMatchObject({ kind: "done" });
  });

  test.each(["gone", "no image"])(
    "bytes of an answer that are %s: there is nowhere to get them from again",
    async (fate) => {
      const world = await openWorld();
      const process = await startProcess(world);
      const data = { ...DATA, response_format: "b64_json" };
      await process.generate(data);
      const file = join(process.spoolFolder, "r.1.0");
      if (fate === "gone") rmSync(file);
      else writeFileSync(file, "<html>");
      const code = fate === "gone" ? "spool_lost" : "answer_broken";
      expect(await process.archive("r")).toMatchObject({ kind: "rejected", error: { code } });
      expect((await found(process, "r")).request).toMatchObject({ state: "failed", error: { code } });
      expect(await process.catalog.retry("r")).toEqual({ stage: "generate", pays: true });
      await work(world, process, data);
      expect((await found(process, "r")).request.state).toBe("archived");
    },
  );

  test.each(["gone", "no image"])("but bytes that are %s are fetched again if a URL came with them", async (fate) => {
    const world = await openWorld({ bothForms: true });
    const process = await startProcess(world);
    await process.generate(DATA);
    const file = join(process.spoolFolder, "r.1.0");
    if (fate === "gone") rmSync(file);
    else writeFileSync(file, "<html>");
    expect(await process.archive("r")).toMatchObject({ kind: "done" });
    expect(world.sandbox.bill()).toMatchObject({ paid_calls: 1, downloads_complete: 1 });
  });
});

describe("downloads that lie", () => {
  test.each(["truncateRate", "shortBodyRate", "htmlImageRate", "imageErrorRate", "endlessRate"] as const)(
    "%s never becomes an asset, and is tried again",
    async (fault) => {
      const world = await openWorld({ [fault]: 1 });
      const process = await startProcess(world);
      await process.generate(DATA);
      const outcome = await process.archive("r");
      // what never ends is too large, and stays so
      expect(outcome.kind).toBe(fault === "endlessRate" ? "rejected" : "wait");
      expect(await keysOf(process, "images/")).toEqual([]);
      if (fault === "endlessRate") return;
      world.sandbox.configure({ [fault]: 0 });
      expect(await process.archive("r")).toMatchObject({ kind: "done" });
    },
  );
});

describe("a store that is down", () => {
  test.each(["url", "b64_json"] as const)(
    "loses nothing: the bytes wait on disk (%s), though the URL dies meanwhile",
    async (response_format) => {
      const world = await openWorld({ settings: { urlLifetimeMs: 60_000 } });
      const { mood, wrap } = moody();
      const process = await startProcess(world, { store: wrap });
      await process.generate({ ...DATA, response_format });
      for (let tries = 0; tries < 3; tries++) expect(await process.archive("r")).toMatchObject({ kind: "wait" });
      expect((await found(process, "r")).request.error?.code).toBe("store_unavailable");
      expect(process.catalog.secondsToNearestLoss()).toBeNull();
      world.aheadMs = 61_000;
      world.sandbox.configure({ imageErrorRate: 1 });
      mood.down = false;
      const next = await startProcess(world, { store: wrap });
      expect(await next.archive("r")).toMatchObject({ kind: "done" });
      expect(readSpool(process.spoolFolder)).toEqual([]);
      expect(world.sandbox.bill().paid_calls).toBe(1);
    },
  );

  test("stops new spending at the bound, and lets it go on by itself", async () => {
    const world = await openWorld({ settings: { maxUnarchivedImages: 4 } });
    const { mood, wrap } = moody();
    const process = await startProcess(world, { store: wrap });
    const data = (id: string) => ({ ...DATA, request_id: id, n: 2 });
    await process.generate(data("a"));
    await process.generate(data("b"));
    expect(await process.generate(data("c"))).toMatchObject({ kind: "wait", scope: "fleet" });
    expect(world.sandbox.bill().calls).toBe(2);
    mood.down = false;
    await runArchiveJobs(world, process);
    expect(await process.generate(data("c"))).toMatchObject({ kind: "done" });
  });

  test("owes the sidecar of a failed request, and says so", async () => {
    const world = await openWorld();
    const { mood, wrap } = moody();
    const process = await startProcess(world, { store: wrap });
    await process.generate({ ...DATA, prompt: "a fox [reject]" });
    expect(await process.archive("r")).toMatchObject({ kind: "wait" });
    expect([...process.catalog.listMissingSidecars()].flat()).toEqual(["r"]);
    mood.down = false;
    expect(await process.archive("r")).toMatchObject({ kind: "done" });
    expect([...process.catalog.listMissingSidecars()].flat()).toEqual([]);
  });
});

describe("the same explicit-seed recipe", () => {
  const recipe = { prompt: "a red fox", seed: 42, n: 2 };

  test("is answered from the catalog, and paid once", async () => {
    const world = await openWorld();
    const process = await startProcess(world);
    await work(world, process, { ...recipe, request_id: "first" });
    await work(world, process, { ...recipe, request_id: "second" }, "2");
    const [first, second] = [await found(process, "first"), await found(process, "second")];
    expect(second.request).toMatchObject({ state: "archived", reused_from: "first" });
    expect(second.images.map((image) => image.digest)).toEqual(first.images.map((image) => image.digest));
    expect(second.calls).toEqual([]);
    expect(world.sandbox.bill().paid_calls).toBe(1);
    expect(await keysOf(process, "requests/")).toHaveLength(2);
  });

  test("requested by eight at once is called once", async () => {
    const world = await openWorld({ latencyMs: 50 });
    const process = await startProcess(world);
    const ids = Array.from({ length: 8 }, (_, index) => `r-${index}`);
    await Promise.all(ids.map((request_id) => process.generate({ ...recipe, request_id }, { jobId: request_id })));
    await runArchiveJobs(world, process);
    for (const request_id of ids) await work(world, process, { ...recipe, request_id }, request_id);
    expect(process.catalog.counts().requests).toMatchObject({ archived: 8 });
    expect(world.sandbox.bill().paid_calls).toBe(1);
  });

  test("is made again for a request without reuse", async () => {
    const world = await openWorld();
    const process = await startProcess(world);
    await work(world, process, { ...recipe, request_id: "first" });
    await work(world, process, { ...recipe, request_id: "second", reuse: false }, "2");
    expect(world.sandbox.bill().paid_calls).toBe(2);
    // the same recipe gives the same bytes: two requests share their assets
    expect(await keysOf(process, "images/")).toHaveLength(2);
  });
});
