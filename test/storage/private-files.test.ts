// Whatever is made belongs to its user alone, also under the usual umask of 022, and is never written through a link.
import { lstat, mkdir, readdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ensurePrivateFile } from "../../src/storage/private-files.ts";
import { createSpool } from "../../src/storage/spool.ts";
import { openDesk } from "../cli/requests.ts";
import { openBusyServed } from "../server/support.ts";

/** What others than the user may read, write or enter, below a folder. */
async function openToOthers(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const open: string[] = [];
  for (const entry of entries) {
    const path = join(entry.parentPath, entry.name);
    const { mode } = await lstat(path);
    if ((mode & 0o077) !== 0) open.push(`${path.slice(folder.length)} ${(mode & 0o777).toString(8)}`);
  }
  return open;
}

test("a whole archive at work: catalog, log, locks, spool, images, sidecars, thumbnails, keys", async () => {
  expect(process.umask()).toBe(0o022);
  const { folder, post } = await openBusyServed({ settings: { API_TOKENS: "s3cret" } });
  const headers = { authorization: "Bearer s3cret" };
  for (const response_format of ["url", "b64_json"])
    expect((await post("/v1/images/generations", { prompt: "a fox", response_format }, headers)).status).toBe(200);
  const names = (await readdir(folder, { recursive: true })).join("\n");
  for (const name of ["catalog.db-wal", "catalog.db-shm", "asset-url.key", "archive/images", "archive/requests"])
    expect(names).toContain(name);
  expect(await openToOthers(folder)).toEqual([]);
});

test("exports, backups and lock files, and the folders that are made for them", async () => {
  const { folder, run } = await openDesk();
  // reading commands never create the catalog that is backed up
  expect(await run(["migrate"])).toMatchObject({ code: 0 });
  const at = (name: string) => join(folder, "out", name);
  await writeFile(join(folder, "night.jsonl"), '{"prompt":"a fox"}\n', { mode: 0o600 });
  for (const [format, name] of [
    ["jsonl", "a/assets.jsonl"],
    ["csv", "assets.csv"],
    ["parquet", "assets.parquet"],
    ["zip", "assets.zip"],
    ["gallery", "b/gallery"],
    ["imagefolder", "c/imagefolder"],
  ] as const)
    expect(await run(["catalog", "export", "--format", format, "--output", at(name)])).toMatchObject({ code: 0 });
  expect(await run(["catalog", "backup", at("backup.db")])).toMatchObject({ code: 0 });
  expect(await run(["catalog", "lock", join(folder, "night.jsonl"), "--partial"])).toMatchObject({ code: 0 });
  expect((await readdir(join(folder, "out"), { recursive: true })).length).toBeGreaterThan(9);
  expect(await openToOthers(folder)).toEqual([]);
});

test("an output that is a link is replaced, not written through; a backup refuses it; a replaced file keeps its mode", async () => {
  const { folder, run } = await openDesk();
  const victim = join(folder, "victim");
  await writeFile(victim, "mine");
  await symlink(victim, join(folder, "link.jsonl"));
  expect((await run(["catalog", "export", "--output", join(folder, "link.jsonl")])).code).toBe(0);
  expect((await lstat(join(folder, "link.jsonl"))).isFile()).toBe(true);
  await symlink(join(folder, "nothing"), join(folder, "dangling.db"));
  for (const name of ["dangling.db", "victim"])
    expect((await run(["catalog", "backup", join(folder, name)])).code).not.toBe(0);
  expect(await readFile(victim, "utf8")).toBe("mine");
  expect(await readdir(folder)).not.toContain("nothing");
  await writeFile(join(folder, "shared.jsonl"), "", { mode: 0o644 });
  expect((await run(["catalog", "export", "--output", join(folder, "shared.jsonl")])).code).toBe(0);
  expect((await stat(join(folder, "shared.jsonl"))).mode & 0o777).toBe(0o644);
  expect((await readdir(folder)).filter((name) => name.includes("unfinished"))).toEqual([]);
});

test("the spool does not write through a link that somebody put under a temporary name", async () => {
  const { folder } = await openDesk();
  const spool = join(folder, "spool");
  await mkdir(spool, { recursive: true });
  await writeFile(join(folder, "victim"), "mine");
  await symlink(join(folder, "victim"), join(spool, "fox.1.0.unfinished"));
  await createSpool({ folder: spool }).write("fox.1.0", Buffer.from("bytes"));
  expect(await readFile(join(folder, "victim"), "utf8")).toBe("mine");
  expect(await readFile(join(spool, "fox.1.0"), "utf8")).toBe("bytes");
  expect((await lstat(join(spool, "fox.1.0"))).mode & 0o777).toBe(0o600);
});

test("a file that is there keeps its mode and its bytes", async () => {
  const { folder } = await openDesk();
  const path = join(folder, "there");
  await writeFile(path, "bytes", { mode: 0o644 });
  ensurePrivateFile(path);
  expect([await readFile(path, "utf8"), (await stat(path)).mode & 0o777]).toEqual(["bytes", 0o644]);
});
