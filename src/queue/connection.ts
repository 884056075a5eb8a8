// Connections to Redis, one kind for each use: what waits for ever must never be asked for an answer by a person.
import { Redis, type RedisOptions } from "ioredis";
import { ConfigError, TransientError, toMessage } from "../errors.ts";

/** How long a command of a producer may take, and the whole of connecting, in ms. */
const COMMAND_TIMEOUT_MS = 2_000;
const CONNECT_TIMEOUT_MS = 5_000;

const FAILOVER = {
  // after a failover the old primary answers READONLY: connect anew and send the command again
  reconnectOnError: (error) => (error.message.startsWith("READONLY") ? 2 : false),
} satisfies RedisOptions;

/** For workers: waits through every outage. No command timeout, since BullMQ blocks on purpose. */
export function createWorkerConnection(redisUrl: string): Redis {
  return new Redis(redisUrl, {
    ...FAILOVER,
    lazyConnect: true,
    maxRetriesPerRequest: null,
  });
}

/** For producers and questions: answers or fails within seconds, and never queues up what cannot be sent. */
export async function openProducerConnection(redisUrl: string): Promise<Redis> {
  const redis = new Redis(redisUrl, {
    ...FAILOVER,
    lazyConnect: true,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 1,
    connectTimeout: CONNECT_TIMEOUT_MS,
    commandTimeout: COMMAND_TIMEOUT_MS,
  });
  let last: unknown;
  redis.on("error", (error) => {
    last = error;
  });
  try {
    // ioredis goes on connecting for ever against a dead address: the first failure is the answer
    await Promise.race([redis.connect(), firstFailure(redis)]);
    return redis;
  } catch (error) {
    redis.disconnect();
    throw toRedisError(last ?? error, redisUrl);
  }
}

async function firstFailure(redis: Redis): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`no answer within ${CONNECT_TIMEOUT_MS} ms`)), CONNECT_TIMEOUT_MS);
  redis.once("error", reject);
  redis.once("ready", () => clearTimeout(timer));
  return promise.finally(() => clearTimeout(timer));
}

/** Runs what needs Redis; what it throws comes out as one of our classes. */
export async function reached<T>(redisUrl: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw toRedisError(error, redisUrl);
  }
}

/** From what ioredis throws to our classes; the address is shown without its password. */
export function toRedisError(thrown: unknown, redisUrl: string): Error {
  const reason = toMessage(thrown);
  const where = withoutPassword(redisUrl);
  if (/WRONGPASS|NOAUTH|NOPERM/.test(reason)) {
    const message = `Cannot use Redis at ${where}: it refuses the user or password in REDIS_URL (${reason.split(" ")[0]})`;
    return new ConfigError(message, { code: "redis_refused", cause: thrown });
  }
  return new TransientError(
    `Cannot reach Redis at ${where}: ${reason || "connection failed"}; check REDIS_URL and that Redis runs`,
    {
      code: "redis_unreachable",
      cause: thrown,
    },
  );
}

function withoutPassword(redisUrl: string): string {
  try {
    const url = new URL(redisUrl);
    return `${url.protocol}//${url.host}${url.pathname === "/" ? "" : url.pathname}`;
  } catch {
    return "REDIS_URL";
  }
}
