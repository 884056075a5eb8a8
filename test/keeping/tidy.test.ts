import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import Sqlite from "better-sqlite3";
import { expect, it } from "vitest";
import type { App } from "../../src/app.ts";
import { createInspector } from "../../src/image/inspect.ts";
import { rebuildTo } from "../../src/keeping/rebuild.ts";
import { eraseDue, resealChanged, type TidyParts } from "../../src/keeping/tidy.ts";
import { verify } from "../../src/keeping/verify.ts";
import { sidecarKey, thumbnailKey } from "../../src/pipeline/keys.ts";
import type { RequestDetail } from "../../src/pipeline/records.ts";
import { archiveAll, openApp, openPlace, type Place, QUIET, rowsOf } from "./support.ts";

function partsOf(app: App): TidyParts {
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
  expect(await catalog.tidy.edit("a", edit)).toBe("changed");
  expect(await catalog.tidy.edit("a", edit)).toBe("unchanged");
  expect(await catalog.tidy.edit("b", edit)).toBe("unknown");
  expect(catalog.search({ tags: ["final", "狐"], collection: "动物", text: "fox" }).items).toHaveLength(1);
  expect(catalog.search({ tags: ["draft"] }).items).toHaveLength(0);
  expect(catalog.search({ collection: "default" }).items).toHaveLength(0);
  expect(await resealChanged(partsOf(app))).toBe(1);
  expect(await resealChanged(partsOf(app))).toBe(0);
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
  const { tidy, ...catalog } = app.catalog();
  expect(await tidy.delete("a", app.clock.now() + 3_600_000)).toBe("changed");
  expect(catalog.search({}).items).toHaveLength(0);
  expect(catalog.search({ deleted: true }).items).toHaveLength(1);
  expect([...catalog.listArchivedImages()]).toHaveLength(0);
  expect(await eraseDue(partsOf(app))).toBe(0);
  // what is to go answers nobody
  const [again] = await archiveAll(place, [{ request_id: "b", prompt: "a fox", seed: 1 }]);
  expect(again?.request.reused_from).toBeNull();
  expect(await tidy.undelete("a")).toBe("changed");
  expect(catalog.search({}).items).toHaveLength(2);
  await resealChanged(partsOf(app));
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
  const { tidy } = app.catalog();
  const thumbnail = join(place.folder, "archive", thumbnailKey(a?.assets[0]?.digest ?? ""));
  expect(existsSync(thumbnail)).toBe(true);
  for (const id of ["a", "shared"]) await tidy.delete(id, app.clock.now());
  await resealChanged(partsOf(app));
  expect(await eraseDue(partsOf(app))).toBe(1);
  await resealChanged(partsOf(app));
  expect(existsSync(join(place.folder, "archive", a?.assets[0]?.key ?? ""))).toBe(false);
  expect(existsSync(thumbnail)).toBe(false);
  expect(existsSync(join(place.folder, "archive", shared?.assets[0]?.key ?? ""))).toBe(true);
  expect(sidecarOf(place, a).request).toMatchObject({ request_id: "a", erased_at: expect.any(String) });
  expect(await tidy.undelete("a")).toBe("erased");
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
  const { submit } = await import("../../src/submit.ts");
  const app = openApp(place);
  await submit(app, { request_id: "waiting", prompt: "x" });
  expect(await app.catalog().tidy.delete("waiting", 0)).toBe("queued");
});
