// Jobs of one turn: added by one call, each with an end of its own, and in the queue when it says so.
import { once } from "node:events";
import type { Redis } from "ioredis";
import { expect, onTestFinished, test } from "vitest";
import { openProducerConnection } from "../../src/queue/connection.ts";
import { toGenerateJob } from "../../src/queue/generate-jobs.ts";
import { createQueues, type Queues } from "../../src/queue/queues.ts";
import { openTestRedis } from "../support/redis.ts";
import { openTestQueues, testPrefix } from "./support.ts";

const jobOf = (request_id: string) => toGenerateJob({ request_id, batch_id: null });

async function openOwnRedis(): Promise<{ connection: Redis; queues: Queues }> {
  const own = await openTestRedis();
  onTestFinished(own.close);
  const connection = await openProducerConnection(own.url);
  onTestFinished(() => connection.disconnect());
  return { connection, queues: createQueues({ connection, redisUrl: own.url, prefix: testPrefix() }) };
}

async function countCalls(redis: Redis, command: string): Promise<number> {
  return Number(new RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(await redis.info("commandstats"))?.[1] ?? 0);
}

test("all of a turn are in the queue in their order once they say so, by few calls", async () => {
  const { connection, queues } = await openOwnRedis();
  await queues.addGenerate(jobOf("first"));
  await connection.config("RESETSTAT");
  const ids = Array.from({ length: 300 }, (_, index) => `r-${index}`);
  await Promise.all(ids.map((id) => queues.addGenerate(jobOf(id))));
  const waiting = await queues.generate.getWaiting();
  expect(waiting.map((job) => job.data.request_id)).toEqual(["first", ...ids]);
  // 250 and 50
  expect(await countCalls(connection, "evalsha")).toBe(2);
});

test("jobs with and without a priority come together, and each is where and as BullMQ would have put it", async () => {
  const { addGenerate, generate } = await openTestQueues();
  const batch = (request_id: string) => toGenerateJob({ request_id, batch_id: "night" });
  await Promise.all([
    addGenerate(jobOf("a")),
    addGenerate(batch("b")),
    addGenerate(jobOf("c")),
    addGenerate(batch("d")),
  ]);
  expect((await generate.getWaiting()).map(({ id }) => id)).toEqual(["req-a", "req-c"]);
  expect((await generate.getPrioritized()).map(({ id }) => id)).toEqual(["req-b", "req-d"]);
  for (const { name, data, opts } of [jobOf("a"), batch("b")]) {
    const read = async () => ({ ...(await generate.getJob(opts.jobId))?.asJSON(), timestamp: 0 });
    const bundled = await read();
    await generate.remove(opts.jobId);
    await generate.add(name, data, opts);
    expect(bundled).toEqual(await read());
  }
});

test("a Redis that has forgotten its scripts is told them again", async () => {
  const { connection, queues } = await openOwnRedis();
  await queues.addGenerate(jobOf("a"));
  await connection.script("FLUSH");
  await Promise.all([queues.addGenerate(jobOf("b")), queues.addGenerate(jobOf("c"))]);
  expect(await queues.generate.getWaitingCount()).toBe(3);
});

test("turns follow each other, and one that is in the queue already is left as it is", async () => {
  const { addGenerate, generate } = await openTestQueues();
  await Promise.all([addGenerate(jobOf("a")), addGenerate(jobOf("b"))]);
  await Promise.all([addGenerate(jobOf("b")), addGenerate(jobOf("c"))]);
  expect(await generate.getWaitingCount()).toBe(3);
});

test("who was answered about a job just now believes in Redis without a ping", async () => {
  const { connection, queues } = await openOwnRedis();
  await queues.addGenerate(jobOf("first"));
  await connection.config("RESETSTAT");
  await queues.addGenerate(jobOf("second"));
  await queues.ping();
  expect(await countCalls(connection, "ping")).toBe(0);
  // a connection that is new knows nothing
  const back = once(connection, "ready");
  connection.disconnect(true);
  await back;
  await queues.ping();
  expect(await countCalls(connection, "ping")).toBe(1);
});

test("one that cannot be added fails alone", async () => {
  const { addGenerate, generate } = await openTestQueues();
  const bad = { ...jobOf("bad"), opts: { jobId: "0" } };
  const ends = await Promise.allSettled([addGenerate(jobOf("a")), addGenerate(bad), addGenerate(jobOf("b"))]);
  expect(ends.map((end) => end.status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  expect(await generate.getWaitingCount()).toBe(2);
});

test("a Redis that has gone fails all of them soon, and one that is back takes the next", {
  timeout: 30_000,
}, async () => {
  const { connection, queues } = await openOwnRedis();
  await queues.addGenerate(jobOf("before"));
  const back = once(connection, "ready");
  connection.disconnect(true);
  const ends = await Promise.allSettled([queues.addGenerate(jobOf("a")), queues.addGenerate(jobOf("b"))]);
  expect(ends.map((end) => end.status)).toEqual(["rejected", "rejected"]);
  await back;
  await queues.addGenerate(jobOf("after"));
  expect(await queues.generate.getWaitingCount()).toBe(2);
});
