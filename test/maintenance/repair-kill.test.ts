// A repair, and the undoing of one, killed between every two steps and begun again: nothing is ever lost.
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { clock } from "../../src/app/clock.ts";
import { sidecarKey } from "../../src/domain/keys.ts";
import { createInspector } from "../../src/image/inspect.ts";
import { listRepairs, type RepairDeps, repair, undoRepair } from "../../src/maintenance/repair.ts";
import { verify } from "../../src/maintenance/verify.ts";
import type { Store } from "../../src/pipeline/ports.ts";
import { createDirectoryStore } from "../../src/storage/directory.ts";
import { archiveAll, openApp, openPlace } from "./support.ts";

/** A store that is dead after so many changes: as for a process that was killed there, nothing more happens. */
function mortal(store: Store, changes: number): Store & { died(): boolean } {
  let left = changes;
  const change = <Args extends unknown[]>(act: (...args: Args) => Promise<void>) => {
    return async (...args: Args) => {
      if (left-- <= 0) throw new Error("killed");
      await act(...args);
    };
  };
  const get: Store["get"] = async (key, options) => {
    if (left < 0) throw new Error("killed");
    return store.get(key, options);
  };
  return { ...store, get, put: change(store.put), delete: change(store.delete), died: () => left < 0 };
}

async function openSpoilt() {
  const place = await openPlace();
  const [detail] = await archiveAll(place, [{ request_id: "a", prompt: "a fox" }]);
  const app = openApp(place);
  const signal = new AbortController().signal;
  const root = join(place.folder, "archive");
  const [key, sidecar] = [
    detail?.assets[0]?.key ?? "",
    sidecarKey(detail?.request ?? { request_id: "", created_at: 0 }),
  ];
  const good = readFileSync(join(root, key));
  const right = readFileSync(join(root, sidecar));
  const mirror = createDirectoryStore({ root: join(place.folder, "mirror") });
  await mirror.put(key, good, { contentType: "image/png", digest: detail?.assets[0]?.digest ?? "" });
  const spoil = () => {
    rmSync(join(root, "quarantine"), { recursive: true, force: true });
    writeFileSync(join(root, key), "spoilt");
    writeFileSync(join(root, sidecar), "{}");
  };
  const parts: RepairDeps & Parameters<typeof verify>[0] = {
    catalog: app.catalog(),
    store: app.store(),
    mirror,
    downloader: { download: () => Promise.reject(new Error("there is no provider")) },
    inspect: createInspector(),
    clock,
    signal,
    onProgress: () => undefined,
  };
  /** What was set aside, by its text. */
  const aside = () =>
    readdirSync(join(root, "quarantine"), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => readFileSync(join(entry.parentPath, entry.name), "utf8"));
  return { root, key, sidecar, good, right, spoil, parts, aside };
}

it("a repair that is killed anywhere is made whole by the next one, and what was doubtful is kept", async () => {
  const { root, key, sidecar, good, right, spoil, parts, aside } = await openSpoilt();
  for (let changes = 0; ; changes++) {
    spoil();
    const store = mortal(parts.store, changes);
    const { found } = await verify(parts);
    expect(found.map(({ kind }) => kind)).toEqual(["corrupt", "sidecar_differs"]);
    await repair({ ...parts, store }, found);
    const again = await verify(parts);
    await repair(parts, again.found);
    expect((await verify(parts)).found).toEqual([]);
    expect(readFileSync(join(root, key))).toEqual(good);
    expect(readFileSync(join(root, sidecar))).toEqual(right);
    expect(new Set(aside())).toEqual(new Set(["spoilt", "{}"]));
    if (!store.died()) break;
    expect(changes).toBeLessThan(20);
  }
});

it("an undoing that is killed anywhere is made whole by the next one", async () => {
  const { root, key, spoil, parts, aside } = await openSpoilt();
  const { mirror: _, ...alone } = parts;
  for (let changes = 0; ; changes++) {
    spoil();
    // without a copy the image is only set aside
    const told: string[] = [];
    const onBegin = (runId: string) => told.push(runId);
    const { run_id } = await repair({ ...alone, mirror: undefined, onBegin }, (await verify(parts)).found);
    expect(told).toEqual([run_id]);
    expect(await listRepairs(parts)).toEqual([run_id]);
    const store = mortal(parts.store, changes);
    await undoRepair({ store, signal: parts.signal }, run_id).catch(() => undefined);
    await undoRepair(parts, run_id);
    expect(readFileSync(join(root, key), "utf8")).toBe("spoilt");
    expect(aside()).toEqual([]);
    if (!store.died()) break;
    expect(changes).toBeLessThan(20);
  }
});
