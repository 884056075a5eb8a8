// Erasing while the same bytes are archived anew: in whatever order the two come, what a fresh row points at is there.
import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { eraseDue } from "../../src/maintenance/retention.ts";
import type { OnStep, Store } from "../../src/pipeline/ports.ts";
import { found, openWorld, type Process, startProcess, type World, work } from "../pipeline/world.ts";
import { QUIET } from "./support.ts";

const FOX = { prompt: "a red fox", seed: 42 };

/** A world with an archived request whose bytes are due to go. */
async function openDue(): Promise<{ world: World; key: string; digest: string }> {
  const world = await openWorld();
  const process = await startProcess(world);
  await work(world, process, { ...FOX, request_id: "old" });
  const { assets } = await found(process, "old");
  await process.catalog.edits.delete("old", Date.now());
  return { world, key: assets[0]?.key ?? "", digest: assets[0]?.digest ?? "" };
}

function erase({ catalog, store }: Pick<Process, "catalog" | "store">): Promise<number> {
  return eraseDue({ catalog, store, mirror: undefined, log: QUIET, signal: new AbortController().signal });
}

/** Something that stands still where it is told to, once, until it may go on. */
function pause() {
  const reached = Promise.withResolvers<void>();
  const goOn = Promise.withResolvers<void>();
  const stop = () => {
    reached.resolve();
    return goOn.promise;
  };
  return { stop, reached: reached.promise, goOn: goOn.resolve };
}

async function expectThere(process: Process, { key, digest }: { key: string; digest: string }): Promise<void> {
  const { request, images } = await found(process, "new");
  expect({ state: request.state, reused: request.reused_from }).toEqual({ state: "archived", reused: null });
  expect(images[0]?.digest).toBe(digest);
  expect(process.catalog.edits.isErased(digest)).toBe(false);
  const bytes = await process.store.get(key);
  expect(bytes && createHash("sha256").update(bytes).digest("hex")).toBe(digest);
}

test("bytes that were put before an erasure and recorded after it are put again", async () => {
  const { world, key, digest } = await openDue();
  const { stop, reached, goOn } = pause();
  let puts = 0;
  const onStep: OnStep = (step) => (step === "put" ? stop() : undefined);
  const counting = (store: Store): Store => ({
    ...store,
    put: (at, bytes, options) => {
      if (at === key) puts += 1;
      return store.put(at, bytes, options);
    },
  });
  const archiving = await startProcess(world, { onStep, store: counting });
  const erasing = await startProcess(world);
  await archiving.generate({ ...FOX, request_id: "new" });
  const ended = archiving.archive("new");
  await reached;
  expect(await erase(erasing)).toBe(1);
  expect(await erasing.store.head(key)).toBeUndefined();
  goOn();
  expect((await ended).kind).toBe("done");
  await expectThere(erasing, { key, digest });
  expect(puts).toBe(2);
});

test("an erasure that is held up takes nothing that was archived since another one's end", async () => {
  const { world, key, digest } = await openDue();
  const [slow, quick] = [await startProcess(world), await startProcess(world)];
  const { stop, reached, goOn } = pause();
  const held: Store = {
    ...slow.store,
    delete: async (at, options) => {
      if (at === key) await stop();
      await slow.store.delete(at, options);
    },
  };
  const late = erase({ catalog: slow.catalog, store: held });
  await reached;
  const meanwhile = await erase(quick);
  await quick.generate({ ...FOX, request_id: "new" });
  const first = await quick.archive("new");
  goOn();
  await late;
  const again = await quick.archive("new");
  await expectThere(quick, { key, digest });
  // how it comes to that: one at a time erases, and nobody records what is being erased
  expect({ meanwhile, late: await late }).toEqual({ meanwhile: 0, late: 1 });
  expect(first).toMatchObject({ kind: "wait", error: { code: "being_erased" } });
  expect(again.kind).toBe("done");
});
