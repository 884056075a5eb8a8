import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import Sqlite from "better-sqlite3";
import { expect, it } from "vitest";
import type { App } from "../../src/app/app.ts";
import { TransientError } from "../../src/domain/errors.ts";
import { sidecarKey, thumbnailKey } from "../../src/domain/keys.ts";
import type { Asset, RequestDetail } from "../../src/domain/records.ts";
import { parseSubmission, toRequest } from "../../src/domain/request/submission.ts";
import { createInspector } from "../../src/image/inspect.ts";
import { rebuildTo } from "../../src/maintenance/rebuild.ts";
import { eraseDue, type RetentionDeps, rewriteStaleSidecars } from "../../src/maintenance/retention.ts";
import { verify } from "../../src/maintenance/verify.ts";
import { archiveAll, openApp, openPlace, type Place, QUIET, rowsOf } from "./support.ts";

function partsOf(app: App): RetentionDeps {
  const signal = new AbortController().signal;
  return { catalog: app.catalog(), store: app.store(), mirror: undefined, log: QUIET, signal };
}

function sidecarOf(place: Place, detail: RequestDetail | undefined): { request: Record<string, unknown> } {
  const key = detail === undefined ? "" : sidecarKey(detail.request);
  return JSON.parse(readFileSync(join(place.folder, "archive", key), "utf8"));
}

async function expectSound(place: Place, app: App): Promise<void> {
  const { catalog, store, signal } = partsOf(app);
  const parts = { catalog, store, inspect: createInspector(), clock: app.clock, signal, onProgress: () => undefined };
  expect((await verify(parts)).found).toEqual([]);
  const target = join(place.folder, "again.db");
  await rebuildTo(target, { ...parts, file: "" });
  const without = ["sidecar_at", "mirrored_at", "submitted", "webhook_url"];
  expect(rowsOf(target, "requests", without)).toEqual(rowsOf(join(place.folder, "catalog.db"), "requests", without));
  const erased = (file: string) => rowsOf(file, "assets").map(({ digest, erased_at }) => [digest, erased_at !== null]);
  expect(erased(target)).toEqual(erased(join(place.folder, "catalog.db")));
}

it("an edit reaches the catalog, the search and the sidecar", async () => {
  const place = await openPlace();
  const [detail] = await archiveAll(place, [{ request_id: "a", prompt: "a fox", tags: ["draft", "狐"] }]);
  const app = openApp(place);
  const catalog = app.catalog();
  await catalog.indexTexts();
  const edit = { collection: "动物", addTags: ["final"], removeTags: ["draft"], note: "front page" };
  expect(await catalog.edits.edit("a", edit)).toBe("changed");
  expect(await catalog.edits.edit("a", edit)).toBe("unchanged");
  expect(await catalog.edits.edit("b", edit)).toBe("unknown");
  expect(catalog.search({ tags: ["final", "狐"], collection: "动物", text: "fox" }).items).toHaveLength(1);
  expect(catalog.search({ tags: ["draft"] }).items).toHaveLength(0);
  expect(catalog.search({ collection: "default" }).items).toHaveLength(0);
  expect(await rewriteStaleSidecars(partsOf(app))).toBe(1);
  expect(await rewriteStaleSidecars(partsOf(app))).toBe(0);
  expect(sidecarOf(place, detail).request).toMatchObject({
    collection: "动物",
    tags: ["狐", "final"],
    note: "front page",
  });
  await expectSound(place, app);
});

it("a deletion can be taken back until its grace is over", async () => {
  const place = await openPlace();
  await archiveAll(place, [{ request_id: "a", prompt: "a fox", seed: 1 }]);
  const app = openApp(place);
  const { edits, ...catalog } = app.catalog();
  expect(await edits.delete("a", app.clock.now() + 3_600_000)).toBe("changed");
  // asked once more, it goes sooner and never later
  expect(await edits.delete("a", app.clock.now() + 7_200_000)).toBe("unchanged");
  expect(await edits.delete("a", app.clock.now() + 1_800_000)).toBe("changed");
  expect(catalog.search({}).items).toHaveLength(0);
  expect(catalog.search({ deleted: true }).items).toHaveLength(1);
  expect([...catalog.listArchivedImages()]).toHaveLength(0);
  expect(await eraseDue(partsOf(app))).toBe(0);
  // what is to go answers nobody
  const [again] = await archiveAll(place, [{ request_id: "b", prompt: "a fox", seed: 1 }]);
  expect(again?.request.reused_from).toBeNull();
  expect(await edits.undelete("a")).toBe("changed");
  expect(catalog.search({}).items).toHaveLength(2);
  await rewriteStaleSidecars(partsOf(app));
  await expectSound(place, app);
});

it("erasing removes only bytes that nobody shares, and leaves a tombstone", async () => {
  const place = await openPlace();
  const [a, shared] = await archiveAll(place, [
    { request_id: "a", prompt: "a fox", seed: 1 },
    { request_id: "shared", prompt: "a cat", seed: 2 },
    { request_id: "shares", prompt: "a cat", seed: 2 },
  ]);
  const app = openApp(place);
  const { edits } = app.catalog();
  const thumbnail = join(place.folder, "archive", thumbnailKey(a?.assets[0]?.digest ?? ""));
  expect(existsSync(thumbnail)).toBe(true);
  for (const id of ["a", "shared"]) await edits.delete(id, app.clock.now());
  await rewriteStaleSidecars(partsOf(app));
  expect(await eraseDue(partsOf(app))).toBe(1);
  await rewriteStaleSidecars(partsOf(app));
  expect(existsSync(join(place.folder, "archive", a?.assets[0]?.key ?? ""))).toBe(false);
  expect(existsSync(thumbnail)).toBe(false);
  expect(existsSync(join(place.folder, "archive", shared?.assets[0]?.key ?? ""))).toBe(true);
  expect(sidecarOf(place, a).request).toMatchObject({ request_id: "a", erased_at: expect.any(String) });
  expect(await edits.undelete("a")).toBe("erased");
  expect((await app.catalog().find("a"))?.request.recipe?.prompt).toBe("a fox");
  await expectSound(place, app);
  // the same bytes, archived once more, are an asset again
  await archiveAll(place, [{ request_id: "again", prompt: "a fox", seed: 1 }]);
  expect(existsSync(join(place.folder, "archive", a?.assets[0]?.key ?? ""))).toBe(true);
  expect(existsSync(thumbnail)).toBe(true);
  const sqlite = new Sqlite(join(place.folder, "catalog.db"), { readonly: true });
  expect(sqlite.prepare("select count(*) from assets where erased_at is not null").pluck().get()).toBe(0);
  sqlite.close();
});

it("what still runs cannot be deleted", async () => {
  const place = await openPlace();
  const { submit } = await import("../../src/app/submit.ts");
  const app = openApp(place);
  await submit(app, { request_id: "waiting", prompt: "x" });
  expect(await app.catalog().edits.delete("waiting", 0)).toBe("queued");
});

/** A store whose deletions fail until told otherwise. */
function stubborn(store: RetentionDeps["store"]): RetentionDeps["store"] & { yields: boolean } {
  const own = {
    ...store,
    yields: false,
    delete: async (key: string, options?: { signal?: AbortSignal }) => {
      if (!own.yields) throw new TransientError("the store is away", { code: "store_unavailable" });
      await store.delete(key, options);
    },
  };
  return own;
}

it("bytes that cannot be removed now stay due, and meanwhile nobody gets or gives them", async () => {
  const place = await openPlace();
  const [a] = await archiveAll(place, [{ request_id: "a", prompt: "a fox", seed: 1 }]);
  const app = openApp(place);
  const catalog = app.catalog();
  const store = stubborn(app.store());
  const key = join(place.folder, "archive", a?.assets[0]?.key ?? "");
  await catalog.edits.delete("a", app.clock.now());
  // as after a kill between the row and the bytes
  expect(await eraseDue({ ...partsOf(app), store })).toBe(0);
  expect(existsSync(key)).toBe(true);
  expect((await catalog.find("a"))?.request.erased_at).toBeNull();
  expect(await catalog.edits.undelete("a")).toBe("erased");
  expect(catalog.integrity.findUnknownKeys([a?.assets[0]?.key ?? ""])).toEqual([]);
  // the same bytes, archived anew just now, would go with them: they have to wait
  const asset = { ...(a?.assets[0] as Asset), phash: "0".repeat(16) };
  await expect(catalog.recordAsset({ request_id: "b", index: 0 }, asset)).rejects.toThrow("just being removed");
  store.yields = true;
  expect(await eraseDue({ ...partsOf(app), store })).toBe(1);
  expect(existsSync(key)).toBe(false);
  expect((await catalog.find("a"))?.request.erased_at).not.toBeNull();
  // and what was put before that is recorded only when it was put again
  const erasedAt = await catalog.recordAsset({ request_id: "b", index: 0 }, asset);
  expect(catalog.edits.isErased(asset.digest)).toBe(true);
  expect(await catalog.recordAsset({ request_id: "b", index: 0 }, asset, { putAfter: 1 })).toBe(erasedAt);
  await catalog.recordAsset({ request_id: "b", index: 0 }, asset, { putAfter: erasedAt ?? 0 });
  expect(catalog.edits.isErased(asset.digest)).toBe(false);
});

it("a request that reuses the images before the deletion keeps them", async () => {
  const place = await openPlace();
  const [a, b] = await archiveAll(place, [
    { request_id: "a", prompt: "a fox", seed: 1 },
    { request_id: "b", prompt: "a fox", seed: 1 },
  ]);
  expect(b?.request.reused_from).toBe("a");
  const app = openApp(place);
  await app.catalog().edits.delete("a", app.clock.now());
  expect(await eraseDue(partsOf(app))).toBe(0);
  expect(existsSync(join(place.folder, "archive", a?.assets[0]?.key ?? ""))).toBe(true);
  await rewriteStaleSidecars(partsOf(app));
  await expectSound(place, app);
});

it("any number of requests is erased in one round", async () => {
  const place = await openPlace();
  const app = openApp(place);
  const { edits, ...catalog } = app.catalog();
  for (let at = 0; at < 120; at++) {
    await catalog.acceptFault({
      requestId: `r${at}`,
      jobId: "j",
      collection: "default",
      submitted: {},
      error: { code: "x", message: "x" },
    });
    await edits.delete(`r${at}`, app.clock.now());
  }
  await eraseDue(partsOf(app));
  expect(edits.listDueForErasure()).toEqual([]);
});

it("a failed request that is to go is not retried", async () => {
  const place = await openPlace();
  const app = openApp(place);
  const { edits, ...catalog } = app.catalog();
  await catalog.accept(toRequest(parseSubmission({ prompt: "x" }), { requestId: "a", random: Math.random }), {
    jobId: "j",
  });
  await catalog.finish("a", { state: "failed", error: { code: "x", message: "x" } });
  await edits.delete("a", app.clock.now() + 60_000);
  expect(await catalog.retry("a")).toBeUndefined();
  await edits.undelete("a");
  expect(await catalog.retry("a")).toMatchObject({ stage: "generate" });
});
