// A call whose worker is dead becomes unknown; one whose worker lives never does.
import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import Sqlite from "better-sqlite3";
import { expect, onTestFinished, test } from "vitest";
import { openCatalog } from "../../../src/catalog/catalog.ts";
import { PROCESSES_MS, startCatalogProcess } from "../processes.ts";
import { accept, found, openTestCatalog, reserve, testFolder } from "../support.ts";

test(
  "the calls of a process that was killed are unknown, and only those",
  async () => {
    const file = join(testFolder(), "catalog.db");
    const catalog = await openTestCatalog({ file });
    await accept(catalog, "mine");
    await reserve(catalog, "mine");
    const [dying, living] = [await startCatalogProcess(file), await startCatalogProcess(file)];
    for (const [one, id] of [
      [dying, "dying"],
      [living, "living"],
    ] as const) {
      await one.ask("open");
      expect(await one.ask(`reserve ${id}`)).toBe("reserved");
    }
    expect(await catalog.settleAllDeadCalls()).toBe(0);
    await dying.kill();
    expect(await catalog.settleAllDeadCalls()).toBe(1);
    expect((await found(catalog, "dying")).calls).toMatchObject([{ state: "unknown", error: { code: "worker_died" } }]);
    expect((await found(catalog, "dying")).request).toMatchObject({ state: "generating", attempt: 1 });
    for (const id of ["living", "mine"]) expect((await found(catalog, id)).calls).toMatchObject([{ state: "sent" }]);
    expect(await catalog.settleAllDeadCalls()).toBe(0);
    await living.kill();
    expect((await catalog.settleDeadCalls("living"))?.calls).toMatchObject([{ state: "unknown" }]);
  },
  PROCESSES_MS,
);

const HEARTBEATS = { young: -60_000, old: -120_000 };

test.each([
  ["this machine, the same process", true, {}],
  ["this machine, another process under the same number", false, { pid_started: "7" }],
  ["this machine, no such process", false, { pid: 4_194_304 }],
  ["this machine, however old its heartbeat is", true, { seen: HEARTBEATS.old }],
  ["this machine, a start that nobody knows, a young heartbeat", true, { pid_started: "", seen: HEARTBEATS.young }],
  ["this machine, a start that nobody knows, an old heartbeat", false, { pid_started: "", seen: HEARTBEATS.old }],
  ["this machine, stopped of its own accord", false, { stopped_at: 1 }],
  ["another machine, a young heartbeat", true, { host: "other", seen: HEARTBEATS.young }],
  ["another machine, an old heartbeat", false, { host: "other", seen: HEARTBEATS.old }],
])(
  "a worker of %s lives: %s",
  async (_, lives, row: { host?: string; pid?: number; pid_started?: string; seen?: number; stopped_at?: number }) => {
    const file = join(testFolder(), "catalog.db");
    const catalog = await openTestCatalog({ file });
    await accept(catalog, "r");
    await reserve(catalog, "r");
    const sqlite = new Sqlite(file);
    const { host, pid, pid_started, stopped_at } = row;
    const seen_at = Date.now() + (row.seen ?? 0);
    for (const [column, value] of Object.entries({ host, pid, pid_started, seen_at, stopped_at })) {
      if (value !== undefined) sqlite.prepare(`update workers set ${column} = ?`).run(value);
    }
    sqlite.close();
    expect(await catalog.settleAllDeadCalls()).toBe(lives ? 0 : 1);
    expect(catalog.listDeadWorkers()).toEqual(lives ? [] : [catalog.workerId]);
  },
);

test("a worker that nobody has heard of is dead, and one that beats is believed again", async () => {
  const file = join(testFolder(), "catalog.db");
  const catalog = await openTestCatalog({ file });
  await accept(catalog, "r");
  await reserve(catalog, "r");
  const sqlite = new Sqlite(file);
  sqlite.prepare("update workers set host = 'other', seen_at = 1").run();
  await catalog.beat();
  expect(await catalog.settleAllDeadCalls()).toBe(0);
  sqlite.prepare("delete from workers").run();
  sqlite.close();
  expect(await catalog.settleAllDeadCalls()).toBe(1);
});

test("workers that have been silent for a month are forgotten when another one starts", async () => {
  const file = join(testFolder(), "catalog.db");
  const month = 31 * 24 * 3_600_000;
  let now = 0;
  await openTestCatalog({ file, clock: { now: () => now } });
  now = month;
  const catalog = await openTestCatalog({ file, clock: { now: () => now } });
  const sqlite = new Sqlite(file, { readonly: true });
  expect(sqlite.prepare("select worker_id from workers").pluck().all()).toEqual([catalog.workerId]);
  sqlite.close();
});

test("workers are listed with host, version, concurrency and last sign of life, the living first", async () => {
  const file = join(testFolder(), "catalog.db");
  let now = 1_000;
  const clock = { now: () => now };
  const first = openCatalog({ file, clock, workerId: "first" });
  onTestFinished(() => first.close());
  await first.register({ generate: 3, archive: 5 });
  const second = openCatalog({ file, clock, workerId: "second" });
  onTestFinished(() => second.close());
  await second.register();
  now = 2_000;
  await second.markStopped();
  const { version } = JSON.parse(readFileSync(new URL("../../../package.json", import.meta.url), "utf8"));
  const mine = { host: hostname(), pid: process.pid, version, started_at: 1_000 };
  expect(second.listWorkers()).toEqual([
    { ...mine, id: "first", last_seen: 1_000, state: "alive", concurrency: { generate: 3, archive: 5 } },
    { ...mine, id: "second", last_seen: 2_000, state: "stopped", concurrency: { generate: 0, archive: 0 } },
  ]);
  const sqlite = new Sqlite(file);
  sqlite.prepare("update workers set pid = 4194304 where worker_id = 'first'").run();
  sqlite.close();
  expect(first.listWorkers().map(({ id, state }) => `${id} ${state}`)).toEqual(["second stopped", "first dead"]);
});
