// Whether a worker runs, what it holds, and why nothing comes: in status, doctor, the metrics, and while one waits.
import { hostname } from "node:os";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { VERSION } from "../../src/app/version.ts";
import { openPlace, type Place, startSandbox, startWorker } from "./support.ts";

let place: Place;
beforeEach(async () => {
  place = await openPlace({ PORT: "0" });
});
afterEach(() => place.close());

async function status() {
  return JSON.parse((await place.run(["status", "--json"])).out);
}

async function startServer(env: Record<string, string> = {}) {
  const server = place.start(["serve", "--json"], { env });
  return JSON.parse(await server.line(/^\{/)).url as string;
}

test("status, doctor and metrics say that no worker runs, then which one does and what it holds, then that it is dead", async () => {
  const sandbox = await startSandbox(place, ["--latency", "60s"]);
  const url = await startServer();
  const metric = async () =>
    Number(/^asset_archiver_workers (\d+)$/m.exec(await (await fetch(`${url}/metrics`)).text())?.[1]);
  const doctor = async () => {
    const { findings } = JSON.parse((await place.run(["doctor", "--json"], { env: sandbox.settings })).out);
    return findings.filter(({ subject }: { subject: string }) => subject === "workers");
  };
  expect((await place.run(["status"])).out).toMatch(/^workers {3}No worker is running: start one/);
  expect(await status()).toMatchObject({ workers: [], last_worker_seen: null });
  expect(await metric()).toBe(0);
  expect(await doctor()).toMatchObject([{ level: "warning", message: "No worker is running" }]);

  const worker = await startWorker(place, { ...sandbox.settings, GENERATE_CONCURRENCY: "3", ARCHIVE_CONCURRENCY: "2" });
  for (const id of ["a", "b"]) await place.run(["enqueue", "a fox", "--request-id", id]);
  await vi.waitFor(async () => expect((await status()).workers[0]?.generate).toBe(2), { timeout: 60_000 });
  const concurrency = { generate: 3, archive: 2 };
  const one = { host: hostname(), version: VERSION, alive: true, generate: 2, archive: 0, concurrency };
  expect((await status()).workers).toMatchObject([one]);
  expect(await (await fetch(`${url}/v1/status`)).json()).toMatchObject({ workers: [one] });
  const text = (await place.run(["status"])).out;
  expect(text).toMatch(/^workers {3}1 running\n/);
  expect(text).toContain(`${hostname()}  v${VERSION}`);
  expect(text).toMatch(/seen .+ ago {2}generate 2 of 3 {2}archive 0 of 2\n/);
  expect(await metric()).toBe(1);
  expect(await doctor()).toMatchObject([{ level: "ok" }]);

  await worker.end("SIGKILL");
  const dead = await status();
  expect(dead.generate.active).toBe(2);
  expect(dead.workers).toMatchObject([{ alive: false, generate: 2, archive: 0 }]);
  expect(Date.parse(dead.last_worker_seen)).toBeLessThanOrEqual(Date.now());
  const deadText = (await place.run(["status"])).out;
  expect(deadText).toMatch(/No worker is running; the last one was seen .+ ago and left 2 jobs in hand/);
  expect(deadText).toMatch(/generate 2 of 3 {2}archive 0 of 2 {2}DEAD/);
  expect(await metric()).toBe(0);
  expect(await doctor()).toMatchObject([{ level: "warning" }]);
});

test.each(["here", "at a server"])("who waits %s hears within seconds that no worker runs", async (where) => {
  const env: Record<string, string> = where === "here" ? {} : { ASSET_ARCHIVER_URL: await startServer() };
  const waiting = place.start(["enqueue", "a fox", "--request-id", "fox", "--wait"], { env });
  expect(await waiting.line(/^waiting: /)).toBe(
    "waiting: No worker is running: start one with `asset-archiver worker`",
  );
  const { out, err } = await waiting.end("SIGINT");
  expect(out).toBe("");
  expect(err.match(/No worker is running/g)).toHaveLength(1);
  const again = place.start(["wait", "fox"], { env });
  expect(await again.line(/^waiting: /)).toContain("No worker is running");
  await again.end("SIGINT");
});

test("who waits hears of a wrong key", async () => {
  const sandbox = await startSandbox(place, ["--api-key", "right"]);
  await startWorker(place, { ...sandbox.settings, IMAGE_API_KEY: "wrong" });
  const waiting = place.start(["enqueue", "a fox", "--wait"]);
  expect(await waiting.line(/^waiting: Calls are held/)).toMatch(/IMAGE_API_KEY|key/);
  await waiting.end("SIGINT");
});

test("who waits hears of a failing API: which attempt, of how many, and when the next one is", async () => {
  const sandbox = await startSandbox(place);
  await startWorker(place, sandbox.settings);
  const waiting = place.start(["enqueue", "a fox [fail]", "--wait"]);
  const line = await waiting.line(/^waiting: attempt \d of 8 failed: /);
  expect(line).toMatch(/^waiting: attempt \d of 8 failed: \w+: .*; next try in .+/);
  await waiting.end("SIGINT");
});

test("who waits for a batch hears that no worker runs", async () => {
  const waiting = place.start(["bulk", "-", "--format", "jsonl", "--name", "b", "--wait"]);
  waiting.child.stdin?.end('{"prompt":"a fox"}\n');
  expect(await waiting.line(/^waiting: /)).toContain("No worker is running");
  await waiting.end("SIGINT");
});
