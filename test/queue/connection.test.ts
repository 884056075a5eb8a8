// Connections against a Redis that is absent, frozen, locked or lost: an answer within seconds, never a hang, never a secret.

import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { describe, expect, inject, onTestFinished, test } from "vitest";
import { createArchiveQueue } from "../../src/queue/archive-jobs.ts";
import { openBatchQueue } from "../../src/queue/batch-jobs.ts";
import { openProducerConnection, toRedisError } from "../../src/queue/connection.ts";
import { createQueues } from "../../src/queue/queues.ts";
import { openConfiguredRedis, openTestRedis } from "../support/redis.ts";
import { openTestGate, testPrefix, until } from "./support.ts";

const PROMPT_MS = 6_000;

async function failure(work: () => Promise<unknown>) {
  const begun = Date.now();
  const error = await work().then(
    () => undefined,
    (thrown: Error & { code?: string }) => thrown,
  );
  return { error, tookMs: Date.now() - begun };
}

/** A port on which nobody listens. */
async function deadPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** A Redis of this test alone, which may be hurt. */
async function openOwnRedis() {
  const own = await openTestRedis();
  const redis = await openProducerConnection(own.url);
  const info = await redis.info("server");
  const pid = Number(/process_id:(\d+)/.exec(info)?.[1]);
  onTestFinished(async () => {
    redis.disconnect();
    process.kill(pid, "SIGCONT");
    await own.close();
  });
  return { url: own.url, redis, pid };
}

describe("a producer's connection fails at once and says why", () => {
  test("where nobody listens", async () => {
    const url = `redis://user:secret@127.0.0.1:${await deadPort()}`;
    const { error, tookMs } = await failure(() => openProducerConnection(url));
    expect(error).toMatchObject({ name: "TransientError", code: "redis_unreachable" });
    expect(error?.message).toMatch(/^Cannot reach Redis at redis:\/\/127\.0\.0\.1:\d+: .*ECONNREFUSED.*REDIS_URL/);
    expect(error?.message).not.toMatch(/secret|user/);
    expect(tookMs).toBeLessThan(PROMPT_MS);
  });

  test("where the name does not exist", async () => {
    const { error, tookMs } = await failure(() => openProducerConnection("redis://no-such-host.invalid:1"));
    expect(error).toMatchObject({ code: "redis_unreachable" });
    expect(tookMs).toBeLessThan(PROMPT_MS);
  });

  test("where somebody else listens", async () => {
    const server = createServer((socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void server.close());
    const { error, tookMs } = await failure(() =>
      openProducerConnection(`redis://127.0.0.1:${(server.address() as AddressInfo).port}`),
    );
    expect(error).toMatchObject({ code: "redis_unreachable" });
    expect(tookMs).toBeLessThan(PROMPT_MS);
  });

  test("where the password is wrong, missing or too much", async () => {
    const { url, redis } = await openOwnRedis();
    await redis.config("SET", "requirepass", "the-right-one");
    const place = new URL(url).host;
    for (const wrong of [`redis://:a-wrong-one@${place}`, url]) {
      const { error, tookMs } = await failure(async () => (await openProducerConnection(wrong)).ping());
      expect(error).toMatchObject({ name: "ConfigError", code: "redis_refused" });
      expect(error?.message).toContain("REDIS_URL");
      expect(error?.message).not.toMatch(/wrong-one|right-one/);
      expect(tookMs).toBeLessThan(PROMPT_MS);
    }
    const right = await openProducerConnection(`redis://:the-right-one@${place}`);
    expect(await right.ping()).toBe("PONG");
    right.disconnect();
  });

  test("where Redis is frozen", async () => {
    const { url, pid } = await openOwnRedis();
    process.kill(pid, "SIGSTOP");
    const { error, tookMs } = await failure(() => openProducerConnection(url));
    expect(error).toMatchObject({ code: "redis_unreachable" });
    expect(error?.message).toMatch(/no answer within|timed out/);
    expect(tookMs).toBeLessThan(PROMPT_MS);
  });
});

describe("what stands on an open connection", () => {
  test("fails at once while Redis is frozen, and goes on when it is back", async () => {
    const { url, redis, pid } = await openOwnRedis();
    const queues = createQueues({ connection: redis, redisUrl: url, prefix: testPrefix() });
    onTestFinished(() => queues.close());
    const archive = createArchiveQueue(queues.archive, url);
    const gate = await openTestGate({ redis, redisUrl: url });
    const batch = await openBatchQueue({ redisUrl: url, prefix: testPrefix() });
    onTestFinished(() => batch.close());
    const item = { request_id: "item", batch_id: "b" };
    process.kill(pid, "SIGSTOP");
    const never = new AbortController().signal;
    const work = [
      () => queues.ping(),
      () => archive.add({ request_id: "r", expiresAt: null, purpose: "copy" as const }),
      () => gate.acquire({ signal: never }),
      () => batch.add([item]),
    ];
    for (const one of await Promise.all(work.map(failure))) {
      expect(one.error).toMatchObject({ name: "TransientError", code: "redis_unreachable" });
      expect(one.tookMs).toBeLessThan(PROMPT_MS);
    }
    process.kill(pid, "SIGCONT");
    await until(
      () =>
        queues.ping().then(
          () => true,
          () => false,
        ),
      "Redis to be back",
    );
    await archive.add({ request_id: "r", expiresAt: null, purpose: "copy" });
    expect(await queues.archive.getJobCountByTypes("prioritized")).toBe(1);
    expect(await gate.acquire({ signal: never })).toEqual({ admitted: true });
    await batch.add([item]);
  });

  test("fails at once while Redis is gone", async () => {
    const own = await openTestRedis();
    const redis = await openProducerConnection(own.url);
    onTestFinished(() => redis.disconnect());
    const queues = createQueues({ connection: redis, redisUrl: own.url, prefix: testPrefix() });
    const archive = createArchiveQueue(queues.archive, own.url);
    await archive.add({ request_id: "r", expiresAt: null, purpose: "copy" });
    const batch = await openBatchQueue({ redisUrl: own.url, prefix: testPrefix() });
    onTestFinished(() => batch.close());
    await own.close();
    await until(async () => redis.status !== "ready", "the connection to notice");
    const work = [
      () => queues.ping(),
      () => archive.add({ request_id: "r2", expiresAt: null, purpose: "copy" as const }),
      () => batch.add([{ request_id: "item", batch_id: "b" }]),
    ];
    for (const one of await Promise.all(work.map(failure))) {
      expect(one.error).toMatchObject({ name: "TransientError", code: "redis_unreachable" });
      expect(one.tookMs).toBeLessThan(PROMPT_MS);
    }
  });
});

const PRIMARY_TO_WATCH = "sentinel monitor primary 127.0.0.1 1 1";

describe("a server that answers and must not be used is refused at once, with the setting and what to do", () => {
  test.each([
    [
      "a cluster node",
      ["cluster-enabled yes", 'save ""'],
      [],
      "",
      "redis_cluster",
      /Redis Cluster.*without cluster mode/,
    ],
    ["a cluster node and a database", ["cluster-enabled yes", 'save ""'], [], "/1", "redis_cluster", /Redis Cluster/],
    ["a Sentinel", [PRIMARY_TO_WATCH], ["--sentinel"], "", "redis_sentinel", /Sentinel.*address of the primary/],
    ["a Sentinel and a database", [PRIMARY_TO_WATCH], ["--sentinel"], "/1", "redis_sentinel", /Sentinel/],
    ["a replica", ["replicaof 127.0.0.1 1", 'save ""'], [], "", "redis_read_only", /replica.*address of its primary/],
    ["too high a database", ['save ""'], [], "/99", "redis_database", /no database with the number in REDIS_URL/],
  ])("%s", async (_, lines, flags, path, code, words) => {
    const server = await openConfiguredRedis(lines, flags);
    onTestFinished(server.close);
    const { error, tookMs } = await failure(() => openProducerConnection(server.url + path));
    expect(error).toMatchObject({ name: "ConfigError", code, faults: [{ field: "REDIS_URL" }] });
    expect(error?.message).toMatch(words);
    expect(tookMs).toBeLessThan(PROMPT_MS);
  });
});

test.each([
  ["MOVED 170 10.0.0.1:6379", "redis_cluster"],
  ["CLUSTERDOWN Hash slot not served", "redis_cluster"],
  ["CROSSSLOT Keys in request don't hash to the same slot", "redis_cluster"],
  ["ERR SELECT is not allowed in cluster mode", "redis_cluster"],
  ["READONLY You can't write against a read only replica.", "redis_read_only"],
  ["ERR DB index is out of range", "redis_database"],
  ["ERR invalid DB index", "redis_database"],
  ["ERR unknown command 'hget', with args beginning with: ", "redis_unsupported"],
])("a refused command says the same where the server could not be asked: %s", (said, code) => {
  const error = toRedisError(new Error(said), "redis://me:secret@redis.test/3");
  expect(error).toMatchObject({ name: "ConfigError", code });
  expect(error.message).not.toMatch(/secret|MOVED|READONLY/);
});

test.each([
  ["WRONGPASS invalid username-password pair", "redis_refused"],
  ["NOAUTH Authentication required.", "redis_refused"],
  ["NOPERM this user has no permissions", "redis_refused"],
  ["connect ECONNREFUSED 127.0.0.1:6379", "redis_unreachable"],
  ["Command timed out", "redis_unreachable"],
  ["", "redis_unreachable"],
])("what Redis or the network says becomes one of ours, without the password: %s", (said, code) => {
  const error = toRedisError(new Error(said), "rediss://me:secret@redis.test:6380/3");
  expect(error).toMatchObject({ code });
  expect(error.message).toContain("rediss://redis.test:6380/3");
  expect(error.message).not.toContain("secret");
  expect(toRedisError(new Error(said), "not a url: secret").message).not.toContain("secret");
});

test("the shared Redis of the tests is one", () => {
  expect(inject("redisUrl")).toMatch(/^redis:\/\/:[0-9a-f]{64}@127\.0\.0\.1:\d+$/);
});
