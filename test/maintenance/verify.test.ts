import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import Sqlite from "better-sqlite3";
import { describe, expect, it, onTestFinished } from "vitest";
import type { App } from "../../src/app/app.ts";
import { clock } from "../../src/app/clock.ts";
import type { SandboxOptions } from "../../src/dev/sandbox/sandbox.ts";
import { ConfigError, TransientError } from "../../src/domain/errors.ts";
import { sidecarKey } from "../../src/domain/keys.ts";
import type { RequestDetail } from "../../src/domain/records.ts";
import { createInspector } from "../../src/image/inspect.ts";
import { createDownloader } from "../../src/image-api/download.ts";
import { type RepairDeps, repair, undoRepair } from "../../src/maintenance/repair.ts";
import { type VerifyDeps, verify } from "../../src/maintenance/verify.ts";
import { createDirectoryStore } from "../../src/storage/directory.ts";
import { createS3Store } from "../../src/storage/s3.ts";
import { startS3Server } from "../support/s3-server.ts";
import { archiveAll, openApp, openPlace, type Place } from "./support.ts";

const inspect = createInspector();

interface Archive {
  place: Place;
  app: App;
  parts: VerifyDeps;
  details: RequestDetail[];
  path(key: string): string;
}

async function openArchive(ids: readonly string[], options: SandboxOptions = {}): Promise<Archive> {
  const place = await openPlace(options);
  const details = await archiveAll(
    place,
    ids.map((id) => ({ request_id: id, prompt: `a picture of ${id}` })),
  );
  const app = openApp(place);
  const signal = new AbortController().signal;
  const parts = { catalog: app.catalog(), store: app.store(), inspect, clock, signal, onProgress: () => undefined };
  return { place, app, parts, details, path: (key) => join(place.folder, "archive", key) };
}

function repairParts({ parts }: Archive, mirror: RepairDeps["mirror"] = undefined): RepairDeps {
  const downloader = createDownloader({ maxBytes: 1024 ** 2, privateHosts: ["127.0.0.1"], connections: 2 });
  onTestFinished(() => downloader.close());
  return { ...parts, mirror, downloader };
}

function keyOf(detail: RequestDetail | undefined): string {
  return detail?.assets[0]?.key ?? "";
}

/** Writes into the catalog behind everybody's back. */
function tamper(archive: Archive, statement: string): void {
  const sqlite = new Sqlite(join(archive.place.folder, "catalog.db"));
  sqlite.exec(statement);
  sqlite.close();
}

describe("verify", () => {
  it("finds nothing where nothing is wrong, and writes down when each asset was proven", async () => {
    const archive = await openArchive(["a", "b"]);
    const verified = await verify(archive.parts);
    expect(verified).toMatchObject({ assets: 2, of: 2, sidecars: 2, findings: 0, complete: true, found: [] });
    const digests = archive.details.map((detail) => detail.assets[0]?.digest);
    const sqlite = new Sqlite(join(archive.place.folder, "catalog.db"), { readonly: true });
    const rows = sqlite.prepare("select digest, verified_at from assets where verified_at is not null").all();
    sqlite.close();
    expect(rows.map((row) => (row as { digest: string }).digest).toSorted()).toEqual(digests.toSorted());
  });

  it("names whatever is missing, corrupt, misrecorded or unknown, and changes nothing", async () => {
    const archive = await openArchive(["missing", "corrupt", "misrecorded", "unsealed", "altered", "forgotten"]);
    const [missing, corrupt, misrecorded, unsealed, altered, forgotten] = archive.details;
    rmSync(archive.path(keyOf(missing)));
    const cut = readFileSync(archive.path(keyOf(corrupt))).subarray(0, 60);
    writeFileSync(archive.path(keyOf(corrupt)), cut);
    tamper(archive, `update assets set width = width + 1 where key = '${keyOf(misrecorded)}'`);
    const sidecarOf = (detail: RequestDetail | undefined) => (detail ? sidecarKey(detail.request) : "");
    rmSync(archive.path(sidecarOf(unsealed)));
    const sidecar = readFileSync(archive.path(sidecarOf(altered)), "utf8");
    writeFileSync(
      archive.path(sidecarOf(altered)),
      sidecar.replace('"collection": "default"', '"collection": "other"'),
    );
    tamper(
      archive,
      `delete from images where request_id = 'forgotten'; delete from assets where key = '${keyOf(forgotten)}';
       update requests set sidecar_at = null, state = 'failed', archived_at = null, error_code = 'x' where request_id = 'forgotten'`,
    );
    const { found } = await verify(archive.parts);
    const kinds = Object.fromEntries(found.map(({ key, kind }) => [key, kind]));
    expect(kinds).toEqual({
      [keyOf(missing)]: "missing",
      [keyOf(corrupt)]: "corrupt",
      [keyOf(misrecorded)]: "misrecorded",
      [sidecarOf(misrecorded)]: "sidecar_differs",
      [sidecarOf(unsealed)]: "sidecar_missing",
      [sidecarOf(altered)]: "sidecar_differs",
      [keyOf(forgotten)]: "orphaned",
    });
    expect(readFileSync(archive.path(keyOf(corrupt)))).toEqual(cut);
  });

  it("goes on where a run was cut short, and ends it", async () => {
    const archive = await openArchive(["a", "b", "c"]);
    const stopped = new AbortController();
    // in its place: one that stops the run once the first asset is being read
    const store = { ...archive.parts.store, get: archive.parts.store.get };
    let reads = 0;
    store.get = (key, options) => {
      reads += 1;
      return archive.parts.store.get(key, options);
    };
    const cut = await verify({ ...archive.parts, store, signal: stopped.signal }, { forMs: 0 });
    expect(cut).toMatchObject({ assets: 0, complete: false });
    expect(reads).toBe(0);
    tamper(archive, "update assets set verified_at = (select max(started_at) from integrity_runs) where rowid < 3");
    const rest = await verify(archive.parts);
    expect(rest).toMatchObject({ assets: 1, complete: true });
    expect(await verify(archive.parts)).toMatchObject({ assets: 3, complete: true });
  });

  it("keeps to its time among the sidecars, too, and reports those of an earlier part that are still faulty", async () => {
    const archive = await openArchive(["a"]);
    rmSync(archive.path(sidecarKey(archive.details[0]?.request ?? { request_id: "", created_at: 0 })));
    // the time is over once the asset is read
    let at = Date.now();
    const slow = { ...clock, now: () => (at += 1_000) };
    const cut = await verify({ ...archive.parts, clock: slow }, { forMs: 3_500 });
    expect(cut).toMatchObject({ assets: 1, sidecars: 1, complete: false });
    const rest = await verify(archive.parts);
    expect(rest).toMatchObject({ assets: 0, sidecars: 1, complete: true });
    expect(rest.found).toMatchObject([{ kind: "sidecar_missing", request_id: "a" }]);
  });

  it("reads the longest unproven first, or so many by chance, and their sidecars", async () => {
    const archive = await openArchive(["a", "b", "c"]);
    tamper(archive, `update assets set verified_at = 1 where key <> '${keyOf(archive.details[1])}'`);
    rmSync(archive.path(keyOf(archive.details[1])));
    const oldest = await verify(archive.parts, { oldest: 1 });
    expect(oldest).toMatchObject({ assets: 1, sidecars: 1, complete: false });
    expect(oldest.found).toMatchObject([{ kind: "missing", key: keyOf(archive.details[1]) }]);
    expect(await verify(archive.parts, { sample: 2 })).toMatchObject({ assets: 2 });
  });

  it("writes down what is proven as it goes, so that a kill at a slow pace costs little", async () => {
    const archive = await openArchive(["a", "b", "c"]);
    const proven = () => {
      const sqlite = new Sqlite(join(archive.place.folder, "catalog.db"), { readonly: true });
      const count = sqlite.prepare("select count(*) from assets where verified_at is not null").pluck().get();
      sqlite.close();
      return count as number;
    };
    // a clock by which each look at it is two seconds later
    let at = Date.now();
    const slow = { ...clock, now: () => (at += 2_000) };
    const seen: number[] = [];
    await verify({ ...archive.parts, clock: slow, onProgress: () => void seen.push(proven()) });
    expect(seen.slice(0, 3)).toEqual([1, 2, 3]);
  });

  it("keeps to a rate", async () => {
    const archive = await openArchive(["a", "b", "c"]);
    const begun = performance.now();
    await verify(archive.parts, { rate: { max: 10, durationMs: 1_000 } });
    expect(performance.now() - begun).toBeGreaterThanOrEqual(195);
  });
});

describe("repair", () => {
  it("takes a lost image from the provider while its address lives", async () => {
    const archive = await openArchive(["a"]);
    rmSync(archive.path(keyOf(archive.details[0])));
    const { found } = await verify(archive.parts);
    const { repaired } = await repair(repairParts(archive), found);
    expect(repaired).toMatchObject([{ kind: "missing", by: "provider", quarantined: null, left: null }]);
    expect(await verify(archive.parts)).toMatchObject({ findings: 0 });
  });

  it("sets a corrupt image aside, takes the mirror's, and can be undone", async () => {
    const archive = await openArchive(["a"]);
    const key = keyOf(archive.details[0]);
    const good = readFileSync(archive.path(key));
    const mirror = createDirectoryStore({ root: join(archive.place.folder, "mirror") });
    const digest = archive.details[0]?.assets[0]?.digest ?? "";
    await mirror.put(key, good, { contentType: "image/png", digest });
    writeFileSync(archive.path(key), "not what it was");
    await archive.place.sandbox.close();
    const { found } = await verify(archive.parts);
    const { run_id, repaired } = await repair(repairParts(archive, mirror), found);
    expect(repaired).toMatchObject([{ by: "mirror", quarantined: `quarantine/${run_id}/${key}`, left: null }]);
    expect(readFileSync(archive.path(key))).toEqual(good);
    expect(readFileSync(archive.path(`quarantine/${run_id}/${key}`), "utf8")).toBe("not what it was");
    // the proven one stays; without it the doubtful one comes back
    expect(await undoRepair(archive.parts, run_id)).toMatchObject([{ key, restored: false }]);
    rmSync(archive.path(key));
    expect(await undoRepair(archive.parts, run_id)).toEqual([{ key, restored: true, reason: null }]);
    expect(readFileSync(archive.path(key), "utf8")).toBe("not what it was");
  });

  it("says what is left when no copy is to be had, and keeps the doubtful bytes", async () => {
    const archive = await openArchive(["a"]);
    const key = keyOf(archive.details[0]);
    writeFileSync(archive.path(key), "not what it was");
    await archive.place.sandbox.close();
    const { found } = await verify(archive.parts);
    const { repaired } = await repair(repairParts(archive), found);
    expect(repaired).toMatchObject([{ by: null, left: expect.stringContaining("--remake") }]);
    expect(readFileSync(archive.path(repaired[0]?.quarantined ?? ""), "utf8")).toBe("not what it was");
  });

  it("tells a mirror that cannot be read from one that has no copy", async () => {
    const archive = await openArchive(["a"]);
    rmSync(archive.path(keyOf(archive.details[0])));
    await archive.place.sandbox.close();
    const away = () => Promise.reject(new TransientError("the bucket is away", { code: "store_unreachable" }));
    const mirror = { ...createDirectoryStore({ root: join(archive.place.folder, "mirror") }), get: away };
    const { found } = await verify(archive.parts);
    const { repaired } = await repair(repairParts(archive, mirror), found);
    expect(repaired).toMatchObject([{ by: null, left: expect.stringContaining("the mirror did not answer") }]);
  });

  it("decodes once more alone what ran out of time, before it says anything about the image", async () => {
    const archive = await openArchive(["a"]);
    const tries: unknown[] = [];
    const busy: VerifyDeps["inspect"] = (bytes, options) => {
      tries.push(options?.exclusive);
      if (tries.length > 1) return inspect(bytes, options);
      return Promise.reject(new TransientError("timeout", { code: "decode_interrupted" }));
    };
    expect(await verify({ ...archive.parts, inspect: busy })).toMatchObject({ assets: 1, findings: 0 });
    expect(tries).toEqual([undefined, true]);
    const missing = () => Promise.reject(new ConfigError("no decoder", { code: "decoder_missing" }));
    await expect(verify({ ...archive.parts, inspect: missing })).rejects.toMatchObject({ code: "decoder_missing" });
  });

  it("never takes a copy whose bytes are not the asset's", async () => {
    const archive = await openArchive(["a"]);
    const key = keyOf(archive.details[0]);
    rmSync(archive.path(key));
    await archive.place.sandbox.close();
    const folder = join(archive.place.folder, "mirror");
    mkdirSync(dirname(join(folder, key)), { recursive: true });
    writeFileSync(join(folder, key), "spoilt too");
    const { found } = await verify(archive.parts);
    const { repaired } = await repair(repairParts(archive, createDirectoryStore({ root: folder })), found);
    expect(repaired).toMatchObject([{ by: null }]);
    expect(await archive.parts.store.head(key)).toBeUndefined();
  });

  it("writes sidecars again, corrects rows and sets orphans aside", async () => {
    const archive = await openArchive(["a", "b"]);
    const [a, b] = archive.details;
    const sidecar = a === undefined ? "" : sidecarKey(a.request);
    writeFileSync(archive.path(sidecar), "{}");
    tamper(archive, `update assets set height = 9 where key = '${keyOf(b)}'`);
    const stray = `images/00/${"0".repeat(64)}.png`;
    mkdirSync(archive.path("images/00"), { recursive: true });
    writeFileSync(archive.path(stray), "whose is this");
    // the worker that made all this ran in this very process, which lives on
    tamper(archive, "delete from workers");
    const { found } = await verify(archive.parts);
    const { run_id, repaired } = await repair(repairParts(archive), found);
    expect(repaired.map(({ kind, by, left }) => [kind, by, left]).toSorted()).toEqual([
      ["misrecorded", "catalog", null],
      ["orphaned", "quarantine", null],
      ["sidecar_differs", "catalog", null],
      ["sidecar_differs", "catalog", null],
    ]);
    expect(await verify(archive.parts)).toMatchObject({ findings: 0 });
    expect(readFileSync(archive.path(`quarantine/${run_id}/${sidecar}`), "utf8")).toBe("{}");
    // the sidecar that told the truth about b was left alone
    expect(repaired.filter(({ quarantined }) => quarantined !== null)).toHaveLength(2);
  });

  it("leaves orphans alone while workers live", async () => {
    const archive = await openArchive(["a"]);
    await archive.app.catalog().register();
    const stray = `images/00/${"0".repeat(64)}.png`;
    mkdirSync(archive.path("images/00"), { recursive: true });
    writeFileSync(archive.path(stray), "just being recorded");
    const { found } = await verify(archive.parts);
    const { repaired } = await repair(repairParts(archive), found);
    expect(repaired).toMatchObject([{ key: stray, by: null, left: expect.stringContaining("workers live") }]);
    expect(readFileSync(archive.path(stray), "utf8")).toBe("just being recorded");
  });

  it("works on a bucket, too", async () => {
    const archive = await openArchive(["a"]);
    const server = await startS3Server();
    onTestFinished(() => server.close());
    const store = createS3Store({ ...server, prefix: "deep/in" });
    onTestFinished(() => store.close());
    for await (const { key } of archive.parts.store.list("")) {
      const bytes = (await archive.parts.store.get(key)) ?? Buffer.alloc(0);
      const { createHash } = await import("node:crypto");
      await store.put(key, bytes, { contentType: "x/y", digest: createHash("sha256").update(bytes).digest("hex") });
    }
    const parts = { ...archive.parts, store };
    expect(await verify(parts)).toMatchObject({ assets: 1, findings: 0 });
    const key = keyOf(archive.details[0]);
    await store.delete(key);
    const { found } = await verify(parts);
    const { repaired } = await repair({ ...repairParts(archive, archive.parts.store), store }, found);
    expect(repaired).toMatchObject([{ kind: "missing", by: "mirror" }]);
    expect(await verify(parts)).toMatchObject({ findings: 0 });
  });
});
