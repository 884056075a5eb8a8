// `up` as a process: everything by one command, found by the others in its folder, and nothing lost when it is killed.
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { expect, inject, onTestFinished, test, vi } from "vitest";
import { openPlace, type Place, type Running } from "./support.ts";

const DATA = { REDIS_URL: "", CATALOG_URL: "", STORAGE_URL: "", QUEUE_PREFIX: "" };

async function open(settings: Record<string, string> = {}): Promise<Place> {
  const place = await openPlace({ ...DATA, ...settings });
  onTestFinished(() => place.close());
  return place;
}

async function startUp(place: Place, flags: string[] = []): Promise<Running & { url: string }> {
  const up = place.start(["up", "--port", "0", ...flags]);
  const url = await up.line(/^http:\/\/127\.0\.0\.1:\d+$/);
  await up.line(/worker is ready/);
  return { ...up, url };
}

async function post(url: string, body: object): Promise<{ request_id: string }> {
  const headers = { "content-type": "application/json" };
  const response = await fetch(`${url}/v1/requests`, { method: "POST", headers, body: JSON.stringify(body) });
  expect(response.status).toBe(202);
  return (await response.json()) as { request_id: string };
}

async function untilArchived(url: string, id: string): Promise<void> {
  await vi.waitFor(
    async () => {
      const response = await fetch(`${url}/v1/requests/${id}?wait=30s`);
      expect(await response.json()).toMatchObject({ state: "archived" });
    },
    { timeout: 120_000 },
  );
}

async function privateRedis(place: Place): Promise<{ pid: number; port: number }> {
  return JSON.parse(await readFile(join(place.folder, "data/redis/server.json"), "utf8")) as {
    pid: number;
    port: number;
  };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

test("prints the address first, names the sandbox, archives what HTTP and commands ask for, and ends cleanly", async () => {
  const place = await open();
  const up = await startUp(place);
  expect((await fetch(up.url)).status).toBe(200);
  const { request_id } = await post(up.url, { prompt: "an owl" });
  const { code, out } = await place.run(["enqueue", "a red fox", "--wait", "--json"]);
  expect(code).toBe(0);
  expect(JSON.parse(out)).toMatchObject({ state: "archived" });
  await untilArchived(up.url, request_id);
  const status = await place.run(["status", "--json"]);
  expect(JSON.parse(status.out)).toMatchObject({ requests: { archived: 2 }, generate: { waiting: 0 } });
  const { pid } = await privateRedis(place);
  const password = (await readFile(join(place.folder, "data/redis/password"), "utf8")).trim();
  const ended = await up.end("SIGINT");
  expect(ended.code).toBe(0);
  expect(ended.out.split("\n")[0]).toBe(up.url);
  expect(ended.out).toMatch(/IMAGE_API_KEY is not set: .*sandbox/);
  expect(ended.out + ended.err).not.toContain(password);
  expect(isAlive(pid)).toBe(false);
});

test("after kill -9 its Redis is gone and the next start brings everything to its end", async () => {
  const place = await open();
  const up = await startUp(place);
  const prompts = Array.from({ length: 12 }, (_, index) => ({
    prompt: `picture ${index}`,
    request_id: `kill-${index}`,
  }));
  for (const prompt of prompts) await post(up.url, prompt);
  up.child.kill("SIGKILL");
  await once(up.child, "close");
  const next = await startUp(place);
  for (const { request_id } of prompts) await untilArchived(next.url, request_id);
  expect((await next.end()).code).toBe(0);
});

test("when its Redis is killed it starts it again, and work goes on", async () => {
  const place = await open();
  const up = await startUp(place);
  const before = await privateRedis(place);
  process.kill(before.pid, "SIGKILL");
  await up.line(/ended: starting it again/);
  await vi.waitFor(async () => expect((await privateRedis(place)).pid).not.toBe(before.pid), { timeout: 60_000 });
  const after = await privateRedis(place);
  expect(after.port).toBe(before.port);
  const { code, out } = await place.run(["enqueue", "an owl", "--wait", "--json"]);
  expect(code).toBe(0);
  expect(JSON.parse(out)).toMatchObject({ state: "archived" });
  expect((await up.end()).code).toBe(0);
  expect(isAlive(after.pid)).toBe(false);
});

test("a second signal stops it at once with 130, and the next start continues", async () => {
  const place = await open();
  const up = await startUp(place);
  // a key of the sandbox's control: calls that take longer than the test has patience
  const log = await up.line(/IMAGE_API_BASE_URL/);
  const api = (JSON.parse(log) as { settings: { IMAGE_API_BASE_URL: string } }).settings.IMAGE_API_BASE_URL;
  const slow = await fetch(new URL("/sandbox", api), { method: "PATCH", body: JSON.stringify({ latencyMs: 600_000 }) });
  expect(slow.status).toBe(200);
  await post(up.url, { prompt: "an owl", request_id: "slow" });
  await vi.waitFor(
    async () => {
      const request = (await (await fetch(`${up.url}/v1/requests/slow`)).json()) as { calls: unknown[] };
      expect(request.calls).toHaveLength(1);
    },
    { timeout: 60_000 },
  );
  up.child.kill("SIGINT");
  await up.line(/signal again/);
  expect((await up.end("SIGINT")).code).toBe(130);
  const next = await startUp(place);
  await untilArchived(next.url, "slow");
  expect((await next.end()).code).toBe(0);
});

test("--json prints one line with the addresses; with REDIS_URL that one is used and no other starts", async () => {
  const place = await open({ REDIS_URL: inject("redisUrl"), QUEUE_PREFIX: `{up-${process.pid}-${Date.now()}}` });
  const up = place.start(["up", "--port", "0", "--json"]);
  const printed = JSON.parse(await up.line(/^\{"url"/)) as { url: string; redis: string };
  await up.line(/worker is ready/);
  expect(printed).toMatchObject({ sandbox: true, redis: expect.stringContaining(new URL(inject("redisUrl")).host) });
  await expect(privateRedis(place)).rejects.toThrow();
  await untilArchived(printed.url, (await post(printed.url, { prompt: "an owl" })).request_id);
  const { code, out } = await up.end();
  expect(code).toBe(0);
  expect(out.trim().split("\n")).toHaveLength(1);
});

test("with a key the API of the settings is called and no sandbox opened", async () => {
  const place = await open({ IMAGE_API_KEY: "key", IMAGE_API_BASE_URL: "http://127.0.0.1:9/v1" });
  const up = await startUp(place);
  const { out, err } = await up.end();
  expect(out).toContain("Image API: http://127.0.0.1:9/v1");
  expect(out + err).not.toContain("sandbox");
});

test("a key in the folder of an earlier sandbox brings a warning of its stand-ins", async () => {
  const place = await open();
  expect((await (await startUp(place)).end()).err).not.toContain("Warning");
  const up = place.start(["up", "--port", "0"], {
    env: { IMAGE_API_KEY: "key", IMAGE_API_BASE_URL: "http://127.0.0.1:9/v1" },
  });
  await up.line(/Warning: this archive holds stand-ins from the sandbox/);
  await up.line(/worker is ready/);
  expect((await up.end()).code).toBe(0);
});

test("worker and serve in the same folder find its Redis", async () => {
  const place = await open();
  const up = await startUp(place);
  const { port } = await privateRedis(place);
  const server = place.start(["serve", "--port", "0"], { env: { LOG_LEVEL: "info" } });
  expect(await server.line(/"REDIS_URL"/)).toContain(`127.0.0.1:${port}`);
  expect((await server.end()).code).toBe(0);
  expect((await up.end()).code).toBe(0);
});

test("a port that is taken ends it with 2, names PORT, and leaves no Redis", async () => {
  const place = await open();
  const blocker = await listen();
  onTestFinished(() => void blocker.close());
  const { port } = blocker.address() as { port: number };
  const { code, out, err } = await place.run(["up", "--port", String(port)]);
  expect([code, out]).toEqual([2, ""]);
  expect(err).toMatch(new RegExp(`Cannot listen on 127\\.0\\.0\\.1:${port}: the port is taken; set PORT or --port`));
  await expect(privateRedis(place)).rejects.toThrow();
});

test("it runs once for a data folder, and the first is not disturbed", async () => {
  const place = await open();
  const up = await startUp(place);
  const second = await place.run(["up", "--port", "0"]);
  expect(second.code).toBe(2);
  expect(second.err).toMatch(/already runs with the data in data/);
  await untilArchived(up.url, (await post(up.url, { prompt: "an owl" })).request_id);
  expect((await up.end()).code).toBe(0);
});

test("commands without a Redis say that up is there", async () => {
  const place = await open({ REDIS_URL: "redis://127.0.0.1:9", IMAGE_API_KEY: "key" });
  for (const args of [["worker"], ["enqueue", "a fox"]]) {
    const { err } = await place.run(args);
    expect(err).toContain("asset-archiver up");
  }
  expect((await place.run(["doctor"])).out).toContain("asset-archiver up");
});

async function listen(): Promise<Server> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  return server;
}
