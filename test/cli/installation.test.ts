// What a person sees who names the wrong catalog, or has lost it: nothing is made, nothing is bought, and the way out is said.
import { existsSync } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openSandbox, type Sandbox } from "../../src/dev/sandbox/sandbox.ts";
import { openPlace, type Place, startWorker } from "./support.ts";

let place: Place;
let sandbox: Sandbox;
let settings: Record<string, string>;
let id: string;

const MANIFEST = '{"prompt":"a red fox","seed":7}\n';

beforeAll(async () => {
  place = await openPlace();
  sandbox = await openSandbox({ imageScale: 0.02 });
  settings = { IMAGE_API_BASE_URL: sandbox.url, IMAGE_API_KEY: "key", PRIVATE_IMAGE_HOSTS: "127.0.0.1" };
  const worker = await startWorker(place, settings);
  await place.run(["bulk", "-", "--wait"], { input: MANIFEST });
  await worker.end();
  id = JSON.parse((await place.run(["migrate", "--json"])).out).installation_id;
  expect(id).toMatch(/^[0-9a-f-]{36}$/);
});

afterAll(async () => {
  await sandbox.close();
  await place.close();
});

describe("a catalog that is not where CATALOG_URL says", () => {
  const wrong = { CATALOG_URL: "file:./wrong.db" };

  test.each([
    ["status"],
    ["status --json"],
    ["status --batch x"],
    ["plan -"],
    ["catalog list"],
    ["catalog show x"],
    ["catalog search fox"],
    ["catalog export"],
    ["catalog verify"],
    ["catalog backup b.db"],
    ["ledger"],
    ["wait x"],
    ["retry x"],
    ["cancel x"],
    ["schedule list"],
    ["bulk --list"],
    ["worker"],
    ["serve --port 0"],
    ["enqueue fox"],
    ["bulk -"],
    ["migrate"],
  ])("%s refuses with 2, names the path and the store's installation, and makes no file", async (line) => {
    const env = { ...settings, ...wrong };
    const { code, err } = await place.run(line.split(" "), { env, input: MANIFEST });
    expect({ code, err }).toEqual({ code: 2, err: expect.stringMatching(/There is no catalog at \\?"\.\/wrong\.db/) });
    expect(err).toContain(id);
    expect(err).toMatch(/catalog rebuild/);
    expect(existsSync(join(place.folder, "wrong.db"))).toBe(false);
  });

  test("doctor calls it a problem", async () => {
    const { code, out } = await place.run(["doctor", "--json"], { env: { ...settings, ...wrong } });
    expect(code).toBe(1);
    const problems = JSON.parse(out).findings.filter((one: { level: string }) => one.level === "problem");
    expect(problems).toMatchObject([
      { subject: "catalog", setting: "CATALOG_URL", message: expect.stringMatching(/There is no catalog/) },
    ]);
    expect(existsSync(join(place.folder, "wrong.db"))).toBe(false);
  });
});

describe("in an empty place", () => {
  const fresh = {
    CATALOG_URL: "file:./fresh/catalog.db",
    STORAGE_URL: "file:./fresh/archive",
    QUEUE_PREFIX: "{fresh-place}",
  };

  test("reading commands say that there is no catalog yet, show nothing, and make none; plan counts everything as new", async () => {
    for (const line of ["status", "catalog list", "ledger"]) {
      const { code, err } = await place.run(line.split(" "), { env: fresh });
      expect({ code, err }).toEqual({ code: 0, err: expect.stringMatching(/no catalog at .*The first worker/) });
    }
    const { code, out } = await place.run(["plan", "-", "--json"], { env: fresh, input: MANIFEST });
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ new: 1, catalog: null });
    const { out: said } = await place.run(["plan", "-"], { env: fresh, input: MANIFEST });
    expect(said).toMatch(/no catalog at .* yet: every item counts as new/);
    expect(existsSync(join(place.folder, "fresh"))).toBe(false);
  });
});

describe("a second catalog on the same queues", () => {
  const other = { CATALOG_URL: "file:./other/catalog.db", STORAGE_URL: "file:./other/archive" };

  test("is refused by every command that needs them, and by doctor, until it adopts", async () => {
    const env = { ...settings, ...other };
    // its own identity first, under another prefix
    await place.run(["migrate"], { env: { ...env, QUEUE_PREFIX: "{second-catalog}" } });
    for (const line of ["worker", "serve --port 0", "enqueue fox", "status", "bulk -"]) {
      const { code, err } = await place.run(line.split(" "), { env, input: MANIFEST });
      expect({ line, code, err }).toEqual({ line, code: 2, err: expect.stringMatching(/QUEUE_PREFIX.*--adopt/) });
      expect(err).toContain(id);
    }
    const { out } = await place.run(["doctor", "--json"], { env });
    expect(JSON.parse(out).findings).toContainEqual(
      expect.objectContaining({ level: "problem", setting: "QUEUE_PREFIX", message: expect.stringContaining(id) }),
    );
    expect((await place.run(["migrate", "--adopt"], { env })).code).toBe(0);
    expect((await place.run(["status"], { env })).code).toBe(0);
    expect((await place.run(["status"])).code).toBe(2);
    expect((await place.run(["migrate", "--adopt"])).code).toBe(0);
    expect((await place.run(["status"])).code).toBe(0);
  });
});

test("a rebuilt catalog and a restored backup are the same installation", async () => {
  await place.run(["catalog", "backup", "kept.db"]);
  await rm(join(place.folder, "catalog.db"));
  expect((await place.run(["catalog", "rebuild"])).code).toBe(0);
  expect(JSON.parse((await place.run(["migrate", "--json"])).out).installation_id).toBe(id);
  for (const end of ["", "-wal", "-shm"]) await rm(join(place.folder, `catalog.db${end}`), { force: true });
  await rename(join(place.folder, "kept.db"), join(place.folder, "catalog.db"));
  expect((await place.run(["status"])).code).toBe(0);
});

test("--new-catalog begins a new one all the same", async () => {
  const env = { CATALOG_URL: "file:./begun.db" };
  expect((await place.run(["migrate", "--new-catalog"], { env })).code).toBe(0);
  expect((await place.run(["status"], { env })).code).toBe(0);
});
