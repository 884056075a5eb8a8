// Whole nights in seconds: a real worker, a real Redis and a sandbox, under a clock that the test sets.
import { randomUUID } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, inject, test } from "vitest";
import { type App, createApp } from "../../../src/app/app.ts";
import { clock as realClock } from "../../../src/app/clock.ts";
import { createLog } from "../../../src/app/log.ts";
import { parseSettings } from "../../../src/app/settings.ts";
import { type RunningWorker, startWorker } from "../../../src/app/worker.ts";
import { toSchedule } from "../../../src/batches/schedule/set.ts";
import { openCatalog } from "../../../src/catalog/catalog.ts";
import { openSandbox, type Sandbox } from "../../../src/dev/sandbox/sandbox.ts";

let folder: string;
let sandbox: Sandbox;
let prefix: string;
const running: { app: App; worker: RunningWorker }[] = [];
const clock = { at: 0 };

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "archiver-night-"));
  sandbox = await openSandbox({ imageScale: 0.02 });
  prefix = `{night-${randomUUID()}}`;
});

afterEach(async () => {
  for (const { app, worker } of running.splice(0)) {
    await worker.stop();
    await app.close();
  }
  await sandbox.close();
  await rm(folder, { recursive: true, force: true, maxRetries: 3 });
});

/** An app on the test's clock: pauses are short, so that what is due is seen at once. */
function openApp(env: Record<string, string> = {}): App {
  const settings = parseSettings({
    REDIS_URL: inject("redisUrl"),
    QUEUE_PREFIX: prefix,
    CATALOG_URL: `file:${folder}/catalog.db`,
    STORAGE_URL: `file:${folder}/archive`,
    PRICE_PER_IMAGE: "0.02 USD",
    SHUTDOWN_GRACE: "5s",
    IMAGE_API_BASE_URL: sandbox.url,
    IMAGE_API_KEY: "sandbox",
    PRIVATE_IMAGE_HOSTS: `127.0.0.1:${sandbox.port}`,
    ...env,
  });
  const app = createApp({ settings, log: createLog({ level: "silent" }) });
  const now = () => clock.at;
  const catalog = openCatalog({ file: settings.catalogFile, clock: { now } });
  app.onClose(() => catalog.close());
  const sleep = (ms: number, signal: AbortSignal) => realClock.sleep(Math.min(ms, 50), signal);
  // on this thread, for the clock is here
  const { acceptEncoded } = catalog.batches;
  const recorder = { ...catalog, acceptEncoded, ready: async () => undefined, close: async () => undefined };
  return { ...app, catalog: () => catalog, recorder: () => recorder, clock: { now, sleep } };
}

async function work(env: Record<string, string> = {}): Promise<App> {
  const app = openApp(env);
  running.push({ app, worker: await startWorker(app) });
  return app;
}

async function until(found: () => boolean | undefined): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!found()) {
    if (Date.now() > deadline) throw new Error("It did not happen");
    await realClock.sleep(20, new AbortController().signal);
  }
}

/** Lets the duties of all workers run several times. */
async function quiet(): Promise<void> {
  await realClock.sleep(600, new AbortController().signal);
}

async function setNightly(app: App, flags: object = {}, items = 20): Promise<void> {
  const manifest = join(folder, "night.jsonl");
  const lines = Array.from({ length: items }, (_, index) => JSON.stringify({ prompt: `picture ${index}` }));
  await writeFile(manifest, lines.join("\n"));
  const line = { cron: "0 1 * * *", tz: "Europe/Berlin", window: "01:00-06:00" };
  await app.catalog().schedules.set(toSchedule(app, "nightly", { ...line, manifest, ...flags }));
}

const batches = (app: App) => app.catalog().batches.list({ schedule: "nightly" });
const set = (time: string) => {
  clock.at = Date.parse(time);
};

test.each([
  [
    "a common one",
    "2026-07-01T12:00:00Z",
    ["2026-07-01T23:00:00Z", "2026-07-02T04:00:00Z"],
    ["2026-07-02T23:00:00Z", "2026-07-03T04:00:00Z"],
  ],
  [
    "that of 23 hours",
    "2026-03-28T12:00:00Z",
    ["2026-03-29T00:00:00Z", "2026-03-29T04:00:00Z"],
    ["2026-03-29T23:00:00Z", "2026-03-30T04:00:00Z"],
  ],
  [
    "that of 25 hours",
    "2026-10-24T12:00:00Z",
    ["2026-10-24T23:00:00Z", "2026-10-25T05:00:00Z"],
    ["2026-10-26T00:00:00Z", "2026-10-26T05:00:00Z"],
  ],
])(
  "a night, %s, begins and ends with its window; the next one does the rest",
  { timeout: 60_000 },
  async (_, noon, [opens, closes], [next]) => {
    set(noon);
    const app = await work({ GENERATE_CONCURRENCY: "2" });
    await setNightly(app);
    await quiet();
    expect(batches(app)).toHaveLength(0);
    // a second before
    clock.at = Date.parse(opens as string) - 1_000;
    await quiet();
    expect(batches(app)).toHaveLength(0);
    sandbox.configure({ latencyMs: 250 });
    set(opens as string);
    await until(() => batches(app)[0]?.enqueued_at !== null && batches(app).length === 1);
    const [first] = batches(app);
    expect([first?.opens_at, first?.closes_at]).toEqual([Date.parse(opens as string), Date.parse(closes as string)]);
    await until(() => app.catalog().batches.countItems(first?.batch_id ?? "").archived >= 2);
    set(closes as string);
    await until(() => batches(app)[0]?.reported?.startsWith("window:"));
    const { calls } = sandbox.bill();
    expect(calls).toBeLessThan(20);
    await quiet();
    expect(sandbox.bill().calls).toBe(calls);
    sandbox.configure({ latencyMs: 0 });
    set(next as string);
    await until(() => batches(app).length === 2 && batches(app)[0]?.state === "finished");
    expect(batches(app).map(({ state }) => state)).toEqual(["finished", "finished"]);
    expect(app.catalog().counts().requests.archived).toBe(20);
    expect(sandbox.bill().calls).toBe(20);
  },
);

test("two workers begin a night once, and again only the next day, each within its own budget", {
  timeout: 60_000,
}, async () => {
  set("2026-07-01T12:00:00Z");
  const [app] = await Promise.all([work(), work()]);
  await setNightly(app as App, { budget: "0.10 USD" });
  set("2026-07-01T23:00:10Z");
  await until(() => batches(app as App)[0]?.reported?.startsWith("budget:"));
  await quiet();
  expect(batches(app as App)).toHaveLength(1);
  expect(sandbox.bill().images).toBe(5);
  set("2026-07-02T23:00:10Z");
  await until(() => batches(app as App).length === 2 && batches(app as App)[0]?.reported?.startsWith("budget:"));
  expect(sandbox.bill().images).toBe(10);
});

test("a schedule outlives an emptied Redis: the scheduler comes back, and the night begins", {
  timeout: 60_000,
}, async () => {
  set("2026-07-01T12:00:00Z");
  const app = await work();
  await setNightly(app, {}, 3);
  const { schedule } = await app.queues();
  await untilAsync(async () => (await schedule.getJobSchedulers()).length === 1);
  await schedule.obliterate({ force: true });
  await untilAsync(async () => (await schedule.getJobSchedulers()).length === 1);
  set("2026-07-01T23:00:00Z");
  await until(() => batches(app)[0]?.state === "finished");
  expect(sandbox.bill().calls).toBe(3);
});

test("a manifest that cannot be read is told, and the night after it is a new one", { timeout: 60_000 }, async () => {
  set("2026-07-01T12:00:00Z");
  const app = await work();
  await setNightly(app, { strict: true });
  await writeFile(join(folder, "night.jsonl"), '{"prompt":"a","steps":99}\n');
  set("2026-07-01T23:00:00Z");
  await until(() => app.catalog().schedules.find("nightly")?.last_error?.includes("steps: wanted at most 50"));
  expect(batches(app)).toHaveLength(0);
  await writeFile(join(folder, "night.jsonl"), '{"prompt":"a","steps":9}\n');
  set("2026-07-02T23:00:00Z");
  await until(() => batches(app)[0]?.state === "finished");
  expect(app.catalog().schedules.find("nightly")?.last_error).toBeNull();
});

async function untilAsync(found: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!(await found())) {
    if (Date.now() > deadline) throw new Error("It did not happen");
    await realClock.sleep(20, new AbortController().signal);
  }
}
