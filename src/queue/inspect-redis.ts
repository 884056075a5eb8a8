// What a Redis says about itself, as far as it matters to us: version, what it keeps on disk, what it throws away.
import type { Redis } from "ioredis";
import { openProducerConnection, reached } from "./connection.ts";

/** The state of a Redis. */
export interface RedisInspection {
  version: string;
  /** Every write goes to a file. */
  aof: boolean;
  /** Snapshots are taken now and then; undefined where the server does not tell (some managed ones). */
  snapshots: boolean | undefined;
  /** The last write to disk failed. */
  diskTrouble: boolean;
  /** In bytes; 0 is no limit. */
  maxMemory: number;
  evictionPolicy: string;
  /** How far its clock is ahead of ours, in ms; the way there and back is halved. */
  clockAheadMs: number;
}

/** Asks the Redis at `redisUrl`. Throws TransientError or ConfigError where it cannot be asked. */
export async function inspectRedis(redisUrl: string): Promise<RedisInspection> {
  const redis = await openProducerConnection(redisUrl);
  try {
    return await reached(redisUrl, async () => {
      const info = parseInfo(await redis.info());
      return { ...toHealth(info), snapshots: await hasSnapshots(redis), clockAheadMs: await clockAhead(redis) };
    });
  } finally {
    redis.disconnect();
  }
}

/** `name:value` lines under `# Section` headings. */
function parseInfo(text: string): Map<string, string> {
  const lines = text.split(/\r?\n/).filter((line) => line.includes(":") && !line.startsWith("#"));
  return new Map(lines.map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1)]));
}

function toHealth(info: Map<string, string>): Omit<RedisInspection, "snapshots" | "clockAheadMs"> {
  const failed = (name: string) => (info.get(name) ?? "ok") !== "ok";
  return {
    version: info.get("redis_version") ?? "",
    aof: info.get("aof_enabled") === "1",
    diskTrouble: failed("aof_last_write_status") || failed("rdb_last_bgsave_status"),
    maxMemory: Number(info.get("maxmemory") ?? 0),
    evictionPolicy: info.get("maxmemory_policy") ?? "unknown",
  };
}

async function hasSnapshots(redis: Redis): Promise<boolean | undefined> {
  try {
    const answer = (await redis.config("GET", "save")) as unknown;
    return Array.isArray(answer) ? String(answer[1] ?? "") !== "" : undefined;
  } catch {
    // managed servers refuse CONFIG
    return undefined;
  }
}

async function clockAhead(redis: Redis): Promise<number> {
  const asked = Date.now();
  const [seconds, micros] = (await redis.time()) as unknown as [number | string, number | string];
  const ours = (asked + Date.now()) / 2;
  return Math.round(Number(seconds) * 1000 + Number(micros) / 1000 - ours);
}
