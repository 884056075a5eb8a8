// One installation, one truth: every combination of what catalog, queues and store say about whom they belong to.
import { existsSync } from "node:fs";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Redis } from "ioredis";
import { describe, expect, onTestFinished, test } from "vitest";
import { type App, createApp } from "../../src/app/app.ts";
import { createLog } from "../../src/app/log.ts";
import { parseSettings } from "../../src/app/settings.ts";
import { startWorker } from "../../src/app/worker.ts";
import { parseSubmission, toRequest } from "../../src/domain/request/submission.ts";
import { openWorld, type World } from "../support/world.ts";

/** Another app on the same settings, or some of them changed. */
function openApp(world: World, changed: Record<string, string> = {}): App {
  const settings = parseSettings({ ...world.env, ...changed });
  const app = createApp({ settings, log: createLog({ level: "silent" }), createCatalog: false });
  onTestFinished(() => app.close());
  return app;
}

async function openRedis(world: World) {
  const redis = new Redis(world.redisUrl);
  onTestFinished(() => redis.disconnect());
  const key = `${world.prefix}:installation`;
  return { read: () => redis.get(key), forget: () => redis.del(key), write: (id: string) => redis.set(key, id) };
}

async function idInStore(world: World, folder = "archive"): Promise<string | undefined> {
  const text = await readFile(join(world.folder, folder, "installation.json"), "utf8").catch(() => undefined);
  return text === undefined ? undefined : JSON.parse(text).installation_id;
}

/** One image is enough to make a store an archive. */
async function addImage(world: World): Promise<void> {
  await mkdir(join(world.folder, "archive/images/ab"), { recursive: true });
  await writeFile(join(world.folder, "archive/images/ab/abcd.png"), "png");
}

/** A catalog with a request, as an older version left it: without an id. */
async function addUnnamedCatalog(world: World): Promise<void> {
  const app = createApp({ settings: parseSettings(world.env), log: createLog({ level: "silent" }) });
  const request = toRequest(parseSubmission({ prompt: "a fox" }), { requestId: "old", random: Math.random });
  await app.catalog().accept(request, { jobId: "req-old" });
  await app.close();
}

test("a new installation has one id in catalog, queues, store and mirror, and keeps it", async () => {
  const world = await openWorld();
  const app = openApp(world, { MIRROR_URL: `file:${world.folder}/mirror` });
  const id = await app.prepare();
  expect(app.catalog().installationId()).toBe(id);
  expect(await idInStore(world)).toBe(id);
  expect(await idInStore(world, "mirror")).toBe(id);
  const redis = await openRedis(world);
  expect(await redis.read()).toBe(id);
  expect(await openApp(world).prepare()).toBe(id);
});

test("what is lost from Redis or the store is claimed again without a word", async () => {
  const world = await openWorld();
  const id = await openApp(world).prepare();
  const redis = await openRedis(world);
  await redis.forget();
  await rm(join(world.folder, "archive"), { recursive: true });
  expect(await openApp(world).prepare()).toBe(id);
  expect(await redis.read()).toBe(id);
  expect(await idInStore(world)).toBe(id);
});

test("many who begin at once agree on one id", async () => {
  const world = await openWorld();
  const ids = await Promise.all(Array.from({ length: 6 }, () => openApp(world).prepare()));
  expect(new Set(ids).size).toBe(1);
});

describe("another installation is refused, both are named, and nothing is claimed", () => {
  test("a second catalog on the same queues and another store", async () => {
    const world = await openWorld();
    const first = await openApp(world).prepare();
    const other = { CATALOG_URL: `file:${world.folder}/other.db`, STORAGE_URL: `file:${world.folder}/other` };
    const refused = await openApp(world, other)
      .prepare()
      .catch((error: unknown) => error);
    expect(refused).toMatchObject({ name: "ConfigError", code: "installation_mismatch" });
    expect(String(refused)).toContain(first);
    expect(String(refused)).toMatch(/other\.db.*QUEUE_PREFIX.*migrate --adopt/);
    expect(existsSync(join(world.folder, "other.db"))).toBe(false);
    expect(await idInStore(world, "other")).toBeUndefined();
  });

  test("a catalog of its own id, on the queues or the store of another", async () => {
    const world = await openWorld();
    const first = await openApp(world).prepare();
    const env = {
      CATALOG_URL: `file:${world.folder}/other.db`,
      STORAGE_URL: `file:${world.folder}/other`,
      QUEUE_PREFIX: `${world.prefix}-other`,
    };
    const second = await openApp(world, env).prepare();
    for (const [changed, setting] of [
      [{ ...env, QUEUE_PREFIX: world.prefix }, "QUEUE_PREFIX"],
      [{ ...env, STORAGE_URL: `file:${world.folder}/archive` }, "STORAGE_URL"],
      [{ ...env, MIRROR_URL: `file:${world.folder}/archive` }, "MIRROR_URL"],
    ] as const) {
      const app = openApp(world, changed);
      const refused = await app.prepare().catch((error: unknown) => error);
      expect(refused).toMatchObject({ code: "installation_mismatch", faults: [{ field: setting }] });
      expect(String(refused)).toContain(first);
      expect(String(refused)).toContain(second);
    }
    const queues = openApp(world, { ...env, QUEUE_PREFIX: world.prefix }).queues();
    await expect(queues).rejects.toMatchObject({ code: "installation_mismatch" });
    expect(await (await openRedis(world)).read()).toBe(first);
    expect(await idInStore(world)).toBe(first);
  });

  test("a worker refuses to start", async () => {
    const world = await openWorld({ IMAGE_API_KEY: "x" });
    await openApp(world).prepare();
    const other = openApp(world, { CATALOG_URL: `file:${world.folder}/other.db` });
    await expect(startWorker(other)).rejects.toMatchObject({ code: "catalog_missing" });
    expect(existsSync(join(world.folder, "other.db"))).toBe(false);
  });
});

describe("a catalog that is gone beside a full store is not taken for a new one", () => {
  test.each(["named", "unnamed"])("where the store is %s", async (kind) => {
    const world = await openWorld();
    const id = kind === "named" ? await openApp(world).prepare() : undefined;
    await addImage(world);
    await rm(join(world.folder, "catalog.db"), { force: true });
    const refused = await openApp(world)
      .prepare()
      .catch((error: unknown) => error);
    expect(refused).toMatchObject({ name: "ConfigError", code: "catalog_missing" });
    expect(String(refused)).toMatch(/catalog\.db.*CATALOG_URL.*catalog rebuild.*--new-catalog/);
    if (id !== undefined) expect(String(refused)).toContain(id);
    expect(existsSync(join(world.folder, "catalog.db"))).toBe(false);

    const made = await openApp(world).prepare({ newCatalog: true });
    if (id !== undefined) expect(made).toBe(id);
  });

  test("nor is an empty one that an older version made at a wrong path", async () => {
    const world = await openWorld();
    await addImage(world);
    world.app.catalog();
    await expect(openApp(world).prepare()).rejects.toMatchObject({ code: "catalog_missing" });
  });
});

describe("an installation of an older version, without an id", () => {
  test("gets one at the first start, without a word", async () => {
    const world = await openWorld();
    await addUnnamedCatalog(world);
    await addImage(world);
    const id = await openApp(world).prepare();
    expect(await idInStore(world)).toBe(id);
  });

  test("is refused where the store has an id already, until it adopts", async () => {
    const world = await openWorld();
    await addUnnamedCatalog(world);
    await mkdir(join(world.folder, "archive"), { recursive: true });
    await writeFile(join(world.folder, "archive/installation.json"), '{"version":1,"installation_id":"theirs"}');
    await expect(openApp(world).prepare()).rejects.toMatchObject({ code: "installation_mismatch" });
    expect(await openApp(world).prepare({ adopt: true })).toBe("theirs");
  });
});

test("adopting makes queues and store belong to this catalog", async () => {
  const world = await openWorld();
  const id = await openApp(world).prepare();
  const redis = await openRedis(world);
  await redis.write("theirs");
  await writeFile(join(world.folder, "archive/installation.json"), '{"version":1,"installation_id":"theirs"}');
  await expect(openApp(world).prepare()).rejects.toMatchObject({ code: "installation_mismatch" });
  expect(await openApp(world).prepare({ adopt: true })).toBe(id);
  expect(await redis.read()).toBe(id);
  expect(await idInStore(world)).toBe(id);
  expect(await openApp(world).prepare()).toBe(id);
});

test("a broken installation.json is named, and not written over", async () => {
  const world = await openWorld();
  await mkdir(join(world.folder, "archive"), { recursive: true });
  await writeFile(join(world.folder, "archive/installation.json"), "{");
  await expect(openApp(world).prepare()).rejects.toMatchObject({ code: "installation_unreadable" });
});

test("a worker whose queues another installation takes over stops within its maintenance loop, and an emptied Redis is claimed again", async () => {
  const world = await openWorld({ IMAGE_API_KEY: "x" });
  const app = openApp(world);
  const worker = await startWorker(app);
  onTestFinished(async () => void (await worker.stop()));
  const redis = await openRedis(world);
  await redis.forget();
  await expect.poll(redis.read, { timeout: 20_000 }).toBe(app.catalog().installationId());
  await redis.write("theirs");
  expect(await worker.displaced).toMatchObject({
    code: "installation_mismatch",
    message: expect.stringContaining("theirs"),
  });
});
