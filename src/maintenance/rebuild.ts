// A new catalog from the store alone. The old one stays in use until the new one is complete and checked.
import { createHash } from "node:crypto";
import { existsSync, rmSync } from "node:fs";
import { openCatalog } from "../catalog/catalog.ts";
import { replaceCatalog } from "../catalog/db/replace-catalog.ts";
import { type CatalogBuilder, createCatalogBuilder } from "../catalog/integrity/catalog-builder.ts";
import { parseBatchSidecar } from "../domain/batch-sidecar.ts";
import { ConfigError, toMessage } from "../domain/errors.ts";
import { imageDigest } from "../domain/keys.ts";
import { parseSidecar, type SidecarRecords } from "../domain/sidecar.ts";
import { chunk, mapInOrder } from "../domain/streams.ts";
import type { InspectImage } from "../pipeline/image-ports.ts";
import type { Clock, Store } from "../pipeline/ports.ts";
import { readInstallationFile } from "../storage/installation-file.ts";

export interface RebuildDeps {
  store: Store;
  clock: Pick<Clock, "now">;
  inspect: InspectImage;
  /** The catalog in use. */
  file: string;
  signal: AbortSignal;
  /** Called now and then with what was done so far. */
  onProgress(done: { sidecars: number; objects: number }): void;
}

/** What a rebuild did and found. */
export interface Rebuilt {
  file: string;
  /** Where the old catalog is kept; null where there was none, or where it was left alone. */
  kept: string | null;
  requests: number;
  calls: number;
  assets: number;
  batches: number;
  /** Sidecars that could not be used, and why. */
  unusable: { key: string; reason: string }[];
  /** Assets whose bytes the store lacks, or has in another size. */
  absent: { digest: string; key: string; reason: string }[];
  /** Images that no sidecar names: taken in without a request, or left out where they are not what their name says. */
  strays: { key: string; taken: boolean; reason: string | null }[];
  /** Requests of the old catalog that the store does not hold: unfinished ones, and such as never made a call. */
  left_behind: { request_id: string; state: string }[];
}

/** Reads so many sidecars at once, and writes so many in one transaction. */
const AT_ONCE = 32;
const GROUP = 500;

/** Makes a new catalog at `target`, which must not exist. */
export async function rebuildTo(target: string, parts: RebuildDeps): Promise<Omit<Rebuilt, "kept" | "left_behind">> {
  if (existsSync(target))
    throw new ConfigError(`Cannot rebuild to "${target}": it exists already`, { code: "output_exists" });
  const fresh = createCatalogBuilder(target);
  let whole = false;
  try {
    const unusable = await readSidecars(fresh, parts);
    await readBatches(fresh, parts, unusable);
    await noteImages(fresh, parts);
    const strays = await takeStrays(fresh, parts);
    const absent = [...fresh.listMissing()].map(({ digest, key, found }) => {
      return { digest, key, reason: found === null ? "it is not in the store" : `the store holds ${found} bytes` };
    });
    parts.signal.throwIfAborted();
    await restoreIdentity(fresh, parts);
    const counts = fresh.counts();
    fresh.complete();
    whole = true;
    return { file: target, ...counts, unusable, absent, strays };
  } finally {
    if (!whole) {
      fresh.close();
      removeDatabase(target);
    }
  }
}

// as the store names it, or else as the old catalog does: workers and queues know it by that
async function restoreIdentity(fresh: CatalogBuilder, { store, file, clock, signal }: RebuildDeps): Promise<void> {
  const id = (await readInstallationFile(store, { signal })) ?? idOfOld(file);
  if (id !== undefined) fresh.setInstallation(id, clock.now());
}

function idOfOld(file: string): string | undefined {
  if (!existsSync(file)) return undefined;
  try {
    const old = openCatalog({ file });
    try {
      return old.installationId();
    } finally {
      old.close();
    }
  } catch (error) {
    if (error instanceof ConfigError && error.code === "catalog_broken") return undefined;
    throw error;
  }
}

/** What of the old catalog the new one lacks. An old one that cannot be read lacks nothing that could be kept. */
export function compareWithOld(file: string, fresh: string): Rebuilt["left_behind"] {
  if (!existsSync(file)) return [];
  const left: Rebuilt["left_behind"] = [];
  const made = openCatalog({ file: fresh });
  try {
    const old = openCatalog({ file });
    try {
      for (const { request_id, state } of old.listRequests())
        if (made.browse.states([request_id]).size === 0) left.push({ request_id, state });
    } finally {
      old.close();
    }
  } catch (error) {
    if (error instanceof ConfigError && error.code === "catalog_broken") return [];
    throw error;
  } finally {
    made.close();
  }
  return left;
}

/** Swaps the new catalog in; returns where the old one is kept. */
export function installRebuilt(fresh: string, parts: Pick<RebuildDeps, "file" | "clock">): string | null {
  const kept = replaceCatalog({ file: parts.file, fresh, at: new Date(parts.clock.now()) });
  // the lock under which it was made lies beside it
  removeDatabase(fresh);
  return kept;
}

/** Removes a database with everything beside it. */
export function removeDatabase(file: string): void {
  for (const suffix of ["", "-wal", "-shm", "-journal", ".migrating"]) rmSync(file + suffix, { force: true });
}

async function readSidecars(fresh: CatalogBuilder, parts: RebuildDeps): Promise<Rebuilt["unusable"]> {
  const unusable: Rebuilt["unusable"] = [];
  let sidecars = 0;
  const read = mapInOrder(parts.store.list("requests/", parts), AT_ONCE, async ({ key }) => {
    try {
      return parseSidecar((await parts.store.get(key, parts)) ?? Buffer.alloc(0), key);
    } catch (error) {
      parts.signal.throwIfAborted();
      unusable.push({ key, reason: toMessage(error) });
      return undefined;
    }
  });
  for await (const group of chunk(read, GROUP)) {
    addGroup(fresh, group, unusable);
    sidecars += group.length;
    parts.onProgress({ sidecars, objects: 0 });
  }
  return unusable;
}

// one that the tables refuse must not take its whole group along
function addGroup(
  fresh: CatalogBuilder,
  group: readonly (SidecarRecords | undefined)[],
  unusable: Rebuilt["unusable"],
): void {
  const records = group.filter((one) => one !== undefined);
  try {
    fresh.add(records);
  } catch {
    for (const one of records) {
      try {
        fresh.add([one]);
      } catch (error) {
        unusable.push({ key: one.request.request_id, reason: toMessage(error) });
      }
    }
  }
}

async function readBatches(fresh: CatalogBuilder, parts: RebuildDeps, unusable: Rebuilt["unusable"]): Promise<void> {
  for await (const { key } of parts.store.list("batches/", parts)) {
    try {
      fresh.addBatch(parseBatchSidecar((await parts.store.get(key, parts)) ?? Buffer.alloc(0), key));
    } catch (error) {
      parts.signal.throwIfAborted();
      unusable.push({ key, reason: toMessage(error) });
    }
  }
}

async function noteImages(fresh: CatalogBuilder, parts: RebuildDeps): Promise<void> {
  let objects = 0;
  for await (const group of chunk(parts.store.list("images/", parts), GROUP)) {
    fresh.addStoredObjects(group);
    objects += group.length;
    parts.onProgress({ sidecars: fresh.counts().requests, objects });
  }
}

async function takeStrays(fresh: CatalogBuilder, parts: RebuildDeps): Promise<Rebuilt["strays"]> {
  const strays: Rebuilt["strays"] = [];
  for (const { key } of fresh.listOrphans()) {
    try {
      fresh.addOrphan(await readStray(key, parts));
      strays.push({ key, taken: true, reason: null });
    } catch (error) {
      parts.signal.throwIfAborted();
      strays.push({ key, taken: false, reason: toMessage(error) });
    }
  }
  return strays;
}

async function readStray(key: string, { store, clock, inspect, signal }: RebuildDeps) {
  const bytes = (await store.get(key, { signal })) ?? Buffer.alloc(0);
  const digest = createHash("sha256").update(bytes).digest("hex");
  if (imageDigest(key) !== digest) throw new Error(`its digest is ${digest}`);
  const { content_type, width, height } = await inspect(bytes);
  return { digest, key, bytes: bytes.length, content_type, width, height, archived_at: clock.now() };
}
