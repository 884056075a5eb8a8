// What the queue's tests share: a prefix of their own in the common Redis, connections that are closed, waiting for something.
import { randomUUID } from "node:crypto";
import type { Redis } from "ioredis";
import { inject, onTestFinished } from "vitest";
import { clock } from "../../src/app/clock.ts";
import type { Log } from "../../src/pipeline/ports.ts";
import { openProducerConnection } from "../../src/queue/connection.ts";
import { createGate, type GateOptions, type OpenGate } from "../../src/queue/gate.ts";
import { createQueues, type Queues } from "../../src/queue/queues.ts";

/** A prefix that no other test has. */
export function testPrefix(): string {
  return `{test-${randomUUID()}}`;
}

/** A connection that is closed with the test. */
export async function connect(url = inject("redisUrl")): Promise<Redis> {
  const redis = await openProducerConnection(url);
  onTestFinished(() => redis.disconnect());
  return redis;
}

/** The gate of one worker process; those with the same prefix are one fleet. */
export async function openTestGate(options: Partial<GateOptions> = {}): Promise<OpenGate> {
  const redisUrl = inject("redisUrl");
  const redis = options.redis ?? (await connect());
  return createGate({ redis, redisUrl, prefix: testPrefix(), clock, callTimeoutMs: 1_000, ...options });
}

export async function openTestQueues(prefix = testPrefix()): Promise<Queues & { prefix: string; redis: Redis }> {
  const redis = await connect();
  const queues = createQueues({ connection: redis, redisUrl: inject("redisUrl"), prefix });
  onTestFinished(() => queues.close());
  return { ...queues, prefix, redis };
}

/** Looks until it sees what is wanted. */
export async function until<T>(
  look: () => Promise<T | undefined | false>,
  what: string,
  withinMs = 10_000,
): Promise<T> {
  const deadline = Date.now() + withinMs;
  for (;;) {
    const seen = await look();
    if (seen !== undefined && seen !== false) return seen;
    if (Date.now() > deadline) throw new Error(`Waited ${withinMs} ms in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

export const silent: Log = { debug: ignore, info: ignore, warn: ignore, error: ignore };
function ignore(): void {}
