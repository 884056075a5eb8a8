// Jobs of one turn: written together, each with an end of its own, and in the queue when it says so.
import { once } from "node:events";
import { expect, test } from "vitest";
import { openProducerConnection } from "../../src/queue/connection.ts";
import { toGenerateJob } from "../../src/queue/generate-jobs.ts";
import { createQueues } from "../../src/queue/queues.ts";
import { openTestRedis } from "../support/redis.ts";
import { openTestQueues, testPrefix } from "./support.ts";

const jobOf = (request_id: string) => toGenerateJob({ request_id, batch_id: null });

test("all of a turn are in the queue in their order once they say so, and nothing is held back any longer", async () => {
  const { addGenerate, generate, redis } = await openTestQueues();
  const ids = Array.from({ length: 300 }, (_, index) => `r-${index}`);
  const added = Promise.all(ids.map((id) => addGenerate(jobOf(id))));
  // held back: what is written now goes out together
  expect(redis.stream.writableCorked).toBe(1);
  await added;
  expect(redis.stream.writableCorked).toBe(0);
  const waiting = await generate.getWaiting();
  expect(waiting.map((job) => job.data.request_id)).toEqual(ids);
});

test("turns follow each other, and one that is in the queue already is left as it is", async () => {
  const { addGenerate, generate } = await openTestQueues();
  await Promise.all([addGenerate(jobOf("a")), addGenerate(jobOf("b"))]);
  await Promise.all([addGenerate(jobOf("b")), addGenerate(jobOf("c"))]);
  expect(await generate.getWaitingCount()).toBe(3);
});

test("who was answered about a job just now believes in Redis without a ping", async () => {
  const own = await openTestRedis();
  const connection = await openProducerConnection(own.url);
  const queues = createQueues({ connection, redisUrl: own.url, prefix: testPrefix() });
  const pings = async () => Number(/cmdstat_ping:calls=(\d+)/.exec(await connection.info("commandstats"))?.[1] ?? 0);
  try {
    await queues.addGenerate(jobOf("first"));
    await connection.config("RESETSTAT");
    await queues.addGenerate(jobOf("second"));
    await queues.ping();
    expect(await pings()).toBe(0);
    // a connection that is new knows nothing
    const back = once(connection, "ready");
    connection.disconnect(true);
    await back;
    await queues.ping();
    expect(await pings()).toBe(1);
  } finally {
    connection.disconnect();
    await own.close();
  }
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
  const own = await openTestRedis();
  const connection = await openProducerConnection(own.url);
  const queues = createQueues({ connection, redisUrl: own.url, prefix: testPrefix() });
  try {
    await queues.addGenerate(jobOf("before"));
    const back = once(connection, "ready");
    connection.disconnect(true);
    const ends = await Promise.allSettled([queues.addGenerate(jobOf("a")), queues.addGenerate(jobOf("b"))]);
    expect(ends.map((end) => end.status)).toEqual(["rejected", "rejected"]);
    await back;
    await queues.addGenerate(jobOf("after"));
    expect(await queues.generate.getWaitingCount()).toBe(2);
  } finally {
    connection.disconnect();
    await own.close();
  }
});
