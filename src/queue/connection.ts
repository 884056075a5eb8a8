// Connections to Redis, one kind for each use: what waits for ever must never be asked for an answer by a person.
import { Redis, type RedisOptions } from "ioredis";
import { ArchiverError, ConfigError, TransientError, toMessage } from "../domain/errors.ts";

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
export async function openProducerConnection(redisUrl: string, events?: ConnectionEvents): Promise<Redis> {
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
    await refuseUnsuitable(redis, redisUrl);
    if (events !== undefined) watchConnection(redis, { redisUrl, events });
    return redis;
  } catch (error) {
    redis.disconnect();
    throw error instanceof ArchiverError ? error : toRedisError(last ?? error, redisUrl);
  }
}

/** What a connection says about itself once it is open. */
export interface ConnectionEvents {
  /** It broke, or could not be made again. */
  failed(reason: string): void;
  /** It is there, or there again. */
  ready(): void;
}

/** Passes on what becomes of a connection. One that is closed on purpose says nothing. */
export function watchConnection(
  redis: Redis,
  { redisUrl, events }: { redisUrl: string; events: ConnectionEvents },
): void {
  redis.on("error", (error) => events.failed(toRedisError(error, redisUrl).message));
  // ioredis says "reconnecting" only where nobody asked for the end; a server that closed in good order is no "error"
  redis.on("reconnecting", () =>
    events.failed(`Cannot reach Redis at ${withoutPassword(redisUrl)}: the connection was closed`),
  );
  redis.on("ready", () => events.ready());
}

// asked once for each connection, before anything is sent that such a server would refuse halfway, or accept in part
async function refuseUnsuitable(redis: Redis, redisUrl: string): Promise<void> {
  // a user may be forbidden to ask (NOPERM): then the first refused command says it
  const info = await redis.info().catch((error: unknown) => {
    if (/NOPERM|unknown command/i.test(toMessage(error))) return "";
    throw error;
  });
  const kind = unsuitableKind(info);
  if (kind !== undefined) throw unsuitable(kind, { redisUrl });
}

/** What an INFO says that makes a server unusable for us. */
export function unsuitableKind(info: string): Unsuitable | undefined {
  const has = (line: string) => new RegExp(`^${line}\r?$`, "m").test(info);
  if (has("redis_mode:sentinel")) return "sentinel";
  if (has("redis_mode:cluster") || has("cluster_enabled:1")) return "cluster";
  // a replica that takes writes loses them at its next synchronization
  return has("role:(slave|replica)") ? "replica" : undefined;
}

type Unsuitable = "cluster" | "sentinel" | "replica" | "database" | "commands";

const UNSUITABLE: Record<Unsuitable, { code: string; what: string; advice: string }> = {
  cluster: {
    code: "redis_cluster",
    what: "it is a node of a Redis Cluster, which is not supported yet",
    advice: "set REDIS_URL to a Redis or Valkey that runs without cluster mode (cluster-enabled no)",
  },
  sentinel: {
    code: "redis_sentinel",
    what: "it is a Redis Sentinel, which holds no data and is not supported yet",
    advice: "set REDIS_URL to the address of the primary that the Sentinel watches",
  },
  replica: {
    code: "redis_read_only",
    what: "it is a replica, which is read-only",
    advice: "set REDIS_URL to the address of its primary",
  },
  database: {
    code: "redis_database",
    what: "it has no database with the number in REDIS_URL",
    advice: "set a lower number, or raise `databases` in the server's configuration",
  },
  commands: {
    code: "redis_unsupported",
    what: "it does not know a command that is needed",
    advice: "set REDIS_URL to a Redis 6.2 or newer, or Valkey; Sentinels and proxies are not supported",
  },
};

function unsuitable(kind: Unsuitable, { redisUrl, cause }: { redisUrl: string; cause?: unknown }): ConfigError {
  const { code, what, advice } = UNSUITABLE[kind];
  const message = `${what}; ${advice}`;
  return new ConfigError(`Cannot use Redis at ${withoutPassword(redisUrl)}: ${message}`, {
    code,
    cause,
    faults: [{ field: "REDIS_URL", message }],
  });
}

/** Whether a Redis answers and must not be used: nothing gets better by trying again. */
export function isUnsuitableRedis(error: unknown): error is ConfigError {
  return error instanceof ConfigError && Object.values(UNSUITABLE).some(({ code }) => code === error.code);
}

/** The first words of such a server's refusals, where it could not be asked before. */
const REFUSALS: readonly (readonly [RegExp, Unsuitable])[] = [
  [/^(MOVED|ASK|CROSSSLOT|CLUSTERDOWN|TRYAGAIN)\b|not allowed in cluster mode/, "cluster"],
  [/^READONLY\b/, "replica"],
  [/DB index is out of range|invalid DB index/i, "database"],
  // a Sentinel knows no databases
  [/^ERR unknown command ['`]?select/i, "sentinel"],
  [/^ERR unknown command/i, "commands"],
];

async function firstFailure(redis: Redis): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`no answer within ${CONNECT_TIMEOUT_MS} ms`)), CONNECT_TIMEOUT_MS);
  redis.once("error", reject);
  redis.once("ready", () => clearTimeout(timer));
  return promise.finally(() => clearTimeout(timer));
}

/** Whether an error says that Redis cannot be reached, or does not take commands just now. */
export function isConnectionError(error: unknown): boolean {
  const { code, name } = (error ?? {}) as { code?: unknown; name?: unknown };
  if (typeof code === "string" && /^E[A-Z]+$/.test(code)) return true;
  if (name === "MaxRetriesPerRequestError" || name === "AggregateError") return true;
  return /^(LOADING|READONLY|MASTERDOWN|BUSY|TRYAGAIN)|[Cc]onnection is closed|timed out|Socket closed/.test(
    toMessage(error),
  );
}

/** Runs what needs Redis; what it throws comes out as one of our classes. */
export async function reached<T>(redisUrl: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof ArchiverError ? error : toRedisError(error, redisUrl);
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
  const refusal = REFUSALS.find(([words]) => words.test(reason));
  if (refusal !== undefined) return unsuitable(refusal[1], { redisUrl, cause: thrown });
  return new TransientError(
    `Cannot reach Redis at ${where}: ${reason || "connection failed"}; check REDIS_URL and that Redis runs; \`asset-archiver up\` starts one, with a worker and the page`,
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
