// A Redis that goes away and comes back: said within seconds, nothing accepted that is not kept, and all by itself well again.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { startPrivateRedis } from "../../src/dev/local-redis/private-redis.ts";
import { errorOf, openServed, type Served } from "./support.ts";

const SOON_MS = 8_000;

async function openOnPrivateRedis() {
  const dir = await mkdtemp(join(tmpdir(), "asset-archiver-redis-"));
  const start = (port?: number) =>
    startPrivateRedis({ dir, persistence: "none", ...(port === undefined ? {} : { port }) });
  const redis = await start();
  const restarted: Awaited<ReturnType<typeof start>>[] = [];
  onTestFinished(async () => {
    await Promise.all([redis, ...restarted].map((one) => one.kill()));
    await rm(dir, { recursive: true, force: true });
  });
  const served = await openServed({ REDIS_URL: redis.url });
  const restart = async () => void restarted.push(await start(redis.port));
  return { ...served, redis, restart };
}

async function expectAway({ post, ask, app }: Served): Promise<void> {
  const begun = performance.now();
  const answer = await post("/v1/requests", { prompt: "a fox", request_id: "away" });
  expect(performance.now() - begun).toBeLessThan(SOON_MS);
  expect(answer.status).toBe(503);
  expect(answer.headers.get("retry-after")).toBe("5");
  const error = await errorOf(answer);
  expect(error).toMatchObject({ code: "queue_unavailable", type: "server_error" });
  // not where it is, nor that there is one
  expect(error.message).not.toMatch(/redis|127\.0\.0\.1/i);
  expect(await app.catalog().find("away")).toBeUndefined();
  const bulk = await post("/v1/requests/bulk", '{"prompt":"a"}', { "content-type": "application/x-ndjson" });
  expect([bulk.status, bulk.headers.get("retry-after")]).toEqual([503, "5"]);
  const images = await post("/v1/images/generations", { prompt: "a fox" });
  expect(images.status).toBe(503);
  const ready = await ask("/readyz");
  expect([ready.status, await ready.json()]).toMatchObject([
    503,
    { ready: false, redis: "unreachable", catalog: "reachable", store: "reachable" },
  ]);
  expect((await ask("/healthz")).status).toBe(200);
  expect(await (await ask("/v1/status")).json()).toMatchObject({ generate: null, requests: { archived: 0 } });
  expect(await (await ask("/metrics")).text()).toMatch(/^asset_archiver_redis_up 0$/m);
}

async function untilAccepted({ post }: Served): Promise<void> {
  const deadline = Date.now() + 15_000;
  while ((await post("/v1/requests", { prompt: "a fox", request_id: "back" })).status >= 300) {
    if (Date.now() > deadline) throw new Error("it never came back");
  }
}

test("that was killed is 503 with Retry-After, and that came back is used again", { timeout: 60_000 }, async () => {
  const served = await openOnPrivateRedis();
  expect((await served.post("/v1/requests", { prompt: "a fox", request_id: "before" })).status).toBe(202);
  await served.redis.kill();
  await expectAway(served);
  // what stands in the catalog is shown all the same
  expect((await served.ask("/v1/requests/before")).status).toBe(200);
  await served.restart();
  await untilAccepted(served);
});

test("that was never there is waited for, too", { timeout: 60_000 }, async () => {
  const served = await openOnPrivateRedis();
  await served.redis.kill();
  await expectAway(served);
  await served.restart();
  await untilAccepted(served);
});

test("that hangs is 503 as well", { timeout: 60_000 }, async () => {
  const served = await openOnPrivateRedis();
  expect((await served.post("/v1/requests", { prompt: "a fox" })).status).toBe(202);
  process.kill(served.redis.pid, "SIGSTOP");
  try {
    // an answer of Redis is believed for a moment: who comes within it is accepted, and the job put back by upkeep
    await served.post("/v1/requests", { prompt: "a fox" });
    const begun = performance.now();
    const answer = await served.post("/v1/requests", { prompt: "a fox" });
    expect(answer.status).toBe(503);
    expect(performance.now() - begun).toBeLessThan(SOON_MS);
  } finally {
    process.kill(served.redis.pid, "SIGCONT");
  }
});
