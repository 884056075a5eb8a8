import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { type OpenCatalog, openCatalog } from "../../../src/catalog/catalog.ts";
import { createCatalogBuilder } from "../../../src/catalog/integrity/catalog-builder.ts";
import type { Batch } from "../../../src/domain/batch.ts";
import { batchSidecarBytes, parseBatchSidecar } from "../../../src/domain/batch-sidecar.ts";
import { parseSidecar, sidecarBytes, toSidecar } from "../../../src/domain/sidecar.ts";
import { newBatch } from "../../batches/run/support.ts";
import { archiveWhole, found, openTestCatalog, request, testFolder } from "../support.ts";

/** Ids whose order is not that of the manifest. */
const IDS = ["m", "c", "x", "a", "q", "k", "b"];

async function enqueue(catalog: OpenCatalog, batch: string, ids: readonly string[]): Promise<void> {
  await catalog.batches.start(newBatch(batch, { items: ids.length }));
  const items = ids.map((id, index) => ({
    request: request(id, { prompt: `picture ${id}`, seed: 7, collection: "c", reuse: false }),
    item: index + 1,
    line: index + 2,
  }));
  await catalog.batches.acceptItems(batch, items);
  await catalog.batches.endEnqueuing(batch);
}

async function openFilled(): Promise<OpenCatalog> {
  // all of one millisecond
  const catalog = await openTestCatalog({ clock: { now: () => 1_000_000 } });
  await enqueue(catalog, "first", IDS);
  for (const [at, id] of IDS.entries()) await archiveWhole(catalog, id, "abcdef0"[at]);
  return catalog;
}

function search(catalog: OpenCatalog, ...[query, options = {}]: Parameters<OpenCatalog["search"]>): string[] {
  const page = catalog.search(query, { limit: 2, ...options });
  const ids = page.items.map((hit) => hit.request.request_id);
  return page.next === null ? ids : [...ids, ...search(catalog, query, { ...options, cursor: page.next })];
}

function exported(catalog: OpenCatalog, query: Parameters<OpenCatalog["listArchivedImages"]>[0]): string[] {
  return [...catalog.listArchivedImages(query)].map((image) => image.request.request_id);
}

function everywhere(catalog: OpenCatalog, batch: string): Record<string, string[]> {
  const assets = catalog.searchAssets({ batch }, { limit: 100 });
  return {
    search: search(catalog, { batch }),
    words: search(catalog, { batch, text: "picture" }, { sort: "manifest" }),
    archived: search(catalog, { batch, state: "archived" }),
    export: exported(catalog, { batch }),
    "export of words": exported(catalog, { batch, text: "picture" }),
    assets: assets.items.map(({ digest }) => IDS["abcdef0".indexOf(digest[0] ?? "")] ?? ""),
  };
}

test("the items of a batch come in the order of its manifest, wherever they are listed", async () => {
  const catalog = await openFilled();
  for (const [where, ids] of Object.entries(everywhere(catalog, "first"))) expect(ids, where).toEqual(IDS);
  // of a collection in the order of acceptance, and the newest first
  expect(exported(catalog, { collection: "c" })).toEqual(IDS);
  expect(search(catalog, { collection: "c" }, { sort: "oldest" })).toEqual(IDS);
  expect(search(catalog, { collection: "c" })).toEqual(IDS.toReversed());
  expect([...catalog.listRequests()].map((one) => one.request_id)).toEqual(IDS);
  expect((await found(catalog, "x")).request).toMatchObject({ batch_item: 3, manifest_line: 4 });
});

test("a later batch has its whole manifest in its own order, with what was archived before it", async () => {
  const catalog = await openFilled();
  const later = ["new-2", "b", "a", "new-1", "m"];
  await enqueue(catalog, "second", later);
  expect(search(catalog, { batch: "second" })).toEqual(later);
  expect(search(catalog, { batch: "second", text: "picture" }).toSorted()).toEqual(later.toSorted());
  expect(search(catalog, { batch: "second" }, { sort: "newest" })).toEqual(["new-1", "new-2", "b", "a", "m"]);
  expect(exported(catalog, { batch: "second" })).toEqual(["b", "a", "m"]);
  expect(search(catalog, { batch: "first" })).toEqual(IDS);
});

test("what was taken over from an earlier run and is no longer in the manifest comes last", async () => {
  const catalog = await openTestCatalog();
  await catalog.batches.start(newBatch("b", { items: 1 }));
  for (const id of ["z", "y"]) await catalog.accept(request(id, { seed: 1 }), { jobId: id, batchId: "b" });
  await catalog.batches.acceptItems("b", [{ request: request("item", { seed: 2 }), item: 1 }]);
  expect(search(catalog, { batch: "b" })).toEqual(["item", "z", "y"]);
  expect(search(catalog, { batch: "b" }, { limit: 1 })).toEqual(["item", "z", "y"]);
});

test("pages of a large batch end where they should", async () => {
  const catalog = await openTestCatalog({ clock: { now: () => 5 } });
  const ids = Array.from({ length: 1_203 }, (_, index) => `r-${(index * 7919) % 1_203}`);
  await enqueue(catalog, "large", ids);
  expect(search(catalog, { batch: "large" }, { limit: 100 })).toEqual(ids);
  expect(search(catalog, { batch: "large", state: "archived" }, { limit: 100 })).toEqual([]);
});

test("the order of a manifest is asked for within a batch", async () => {
  const catalog = await openTestCatalog();
  expect(() => catalog.search({}, { sort: "manifest" })).toThrow("sort: manifest is the order within one batch");
});

test("the order is the same in a catalog that was rebuilt from the store", async () => {
  const catalog = await openFilled();
  const later = ["new-2", "b", "a", "new-1", "m"];
  await enqueue(catalog, "second", later);
  const file = join(testFolder(), "again.db");
  const fresh = createCatalogBuilder(file);
  for (const batchId of ["second", "first"]) {
    const batch = catalog.batches.find(batchId) as Batch;
    const bytes = batchSidecarBytes(batch, catalog.batches.listExistingItems(batchId, 100));
    fresh.addBatch(parseBatchSidecar(bytes, "batch"));
  }
  // as a store lists them
  for (const id of [...IDS, "new-1", "new-2"].toSorted())
    fresh.add([parseSidecar(sidecarBytes(toSidecar(await found(catalog, id))), id)]);
  fresh.complete();
  const rebuilt = openCatalog({ file });
  onTestFinished(() => rebuilt.close());
  expect(everywhere(rebuilt, "first")).toEqual(everywhere(catalog, "first"));
  expect(search(rebuilt, { batch: "second" })).toEqual(later);
  expect(search(rebuilt, { collection: "c" }, { sort: "oldest" })).toEqual([...IDS, "new-2", "new-1"]);
});
