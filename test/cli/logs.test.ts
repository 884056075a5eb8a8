// A log that is read at night: what goes away is one line, that it is back another one, whatever number of jobs meet it.
import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, onTestFinished, test } from "vitest";
import { VERSION } from "../../src/app/version.ts";
import { startPrivateRedis } from "../../src/dev/local-redis/private-redis.ts";
import { openPlace, type Place, startSandbox, startWorker } from "./support.ts";

interface Line {
  level: string;
  time: string;
  msg: string;
  settings?: Record<string, string>;
}

let place: Place;
beforeEach(async () => {
  place = await openPlace({ PORT: "0" });
});
afterEach(() => place.close());

function linesOf(text: string): Line[] {
  return text
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as Line);
}

const WORDS = /is away|is back|cannot be|can be|answers again/;

/** Lines above debug about what is away or back. */
function outagesIn(text: string): string[] {
  return linesOf(text).flatMap(({ level, msg }) => (WORDS.test(msg) ? `${level} ${msg.split(/[:,]/)[0]}` : []));
}

async function enqueue(name: string, env: Record<string, string>): Promise<void> {
  const lines = Array.from({ length: 30 }, (_, index) => `{"prompt":"${name} ${index}"}`).join("\n");
  await place.run(["bulk", "-", "--format", "jsonl", "--name", name], { input: lines, env });
}

test("a Redis that is killed and comes back: two lines of the worker, two of the server", async () => {
  const dir = await mkdtemp(join(tmpdir(), "archiver-logs-"));
  const first = await startPrivateRedis({ dir, persistence: "aof" });
  onTestFinished(() => rm(dir, { recursive: true, force: true, maxRetries: 3 }));
  const sandbox = await startSandbox(place);
  const env = { ...sandbox.settings, REDIS_URL: first.url };
  const worker = await startWorker(place, env);
  const server = place.start(["serve", "--json"], { env });
  const url = JSON.parse(await server.line(/^\{"url"/)).url as string;
  await first.kill();
  await worker.line(/Redis is away/);
  for (let time = 0; time < 10; time++) {
    await fetch(`${url}/readyz`);
    await fetch(`${url}/v1/requests`, {
      method: "POST",
      body: '{"prompt":"a fox"}',
      headers: { "content-type": "application/json" },
    });
  }
  const second = await startPrivateRedis({ dir, persistence: "aof", port: first.port });
  onTestFinished(() => second.kill());
  await worker.line(/Redis is back/);
  await server.line(/Redis is back/);
  for (const running of [server, worker]) {
    const { err } = await running.end();
    expect(outagesIn(err)).toEqual(["warn Redis is away", "info Redis is back"]);
    expect(err).not.toContain(":hidden@");
    expect(linesOf(err).length).toBeLessThan(8);
  }
});

test("a store and an API that go away while thirty images are made: two lines each, none for an image", async () => {
  const sandbox = await startSandbox(place);
  const worker = await startWorker(place, sandbox.settings);
  const [store, hidden] = [join(place.folder, "archive"), join(place.folder, "archive-hidden")];
  await enqueue("first", sandbox.settings);
  await worker.line(/a batch has come to rest/);
  await rename(store, hidden);
  await writeFile(store, "in the way");
  await enqueue("second", sandbox.settings);
  await worker.line(/the store cannot be used/);
  await rm(store);
  await rename(hidden, store);
  await worker.line(/the store can be used again/);
  const port = new URL(sandbox.settings.IMAGE_API_BASE_URL ?? "").port;
  await sandbox.end("SIGKILL");
  await enqueue("third", sandbox.settings);
  await worker.line(/the image API cannot be used/);
  place.start(["sandbox", "--port", port, "--json"]);
  await worker.line(/the image API answers again/);
  const { err } = await worker.end();
  expect(outagesIn(err)).toEqual([
    "warn the store cannot be used",
    "info the store can be used again",
    "warn the image API cannot be used",
    "info the image API answers again",
  ]);
  expect(linesOf(err).length).toBeLessThan(16);
});

test("lines have named levels and ISO times, and begin with the settings, without secrets", async () => {
  const sandbox = await startSandbox(place);
  const worker = await startWorker(place, {
    ...sandbox.settings,
    IMAGE_API_KEY: "hidden-key",
    API_TOKENS: "hidden-token",
  });
  const { err } = await worker.end();
  const lines = linesOf(err);
  expect(lines[0]).toMatchObject({
    level: "info",
    msg: `asset-archiver ${VERSION}: worker is starting`,
    settings: { IMAGE_API_KEY: "set", GENERATE_CONCURRENCY: 16 },
  });
  for (const { level, time } of lines) {
    expect(level).toMatch(/^(info|warn|error)$/);
    expect(new Date(time).toISOString()).toBe(time);
  }
  expect(err).not.toContain("hidden");
});
