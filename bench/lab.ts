// Where measurements happen: servers in processes of their own, subjects in processes of their own, and a folder that is
// removed in the end. What runs here runs on loopback, on free ports, and stops with us.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { startPrivateRedis } from "../src/dev/local-redis/private-redis.ts";
import { type Cost, costOf } from "./cost.ts";
import { type Child, finish, firstMessage, start } from "./process.ts";

/** What a subject tells about itself when it is done: numbers, by name. */
export interface Measured {
  /** The main figure of its case: a rate, a time; see the case. */
  value: number;
  cpuSeconds: number;
  peakRssMib: number;
  /** More than one figure, where a case has them. */
  [more: string]: number;
}

export interface Lab {
  readonly folder: string;
  readonly redisUrl: string;
  /** Starts a server of `servers/`; resolves to its port on loopback. */
  serve(name: string, env?: Record<string, string>): Promise<number>;
  /** Runs a subject of `subjects/` to its end, in a fresh folder, on a Redis that is empty. */
  run(name: string, env?: Record<string, string>): Promise<Measured>;
  /** What each server has cost so far, Redis among them. */
  servers(): Promise<Record<string, Cost>>;
  close(): Promise<void>;
}

export async function openLab(): Promise<Lab> {
  const folder = await mkdtemp(join(tmpdir(), "asset-archiver-bench-"));
  const redis = await startPrivateRedis({ dir: join(folder, "redis"), persistence: "aof" });
  const servers = new Map<string, Child>();
  let runs = 0;
  return {
    folder,
    redisUrl: redis.url,
    serve: async (name, env = {}) => {
      const server = start(`servers/${name}.ts`, { env, cwd: folder });
      servers.set(servers.has(name) ? `${name} ${servers.size}` : name, server);
      const { port } = (await firstMessage(server)) as { port: number };
      return port;
    },
    run: async (name, env = {}) => {
      runs += 1;
      const cwd = await mkdtemp(join(folder, `run-${runs}-`));
      const common = { REDIS_URL: redis.url, QUEUE_PREFIX: `{bench-${runs}}`, LOG_LEVEL: "error" };
      try {
        return (await finish(start(`subjects/${name}.ts`, { env: { ...common, ...env }, cwd }))) as Measured;
      } finally {
        await rm(cwd, { recursive: true, force: true });
        await empty(redis.url);
      }
    },
    servers: async () => {
      const pids = [["redis", redis.pid] as const, ...[...servers].map(([name, { pid }]) => [name, pid] as const)];
      return Object.fromEntries(await Promise.all(pids.map(async ([name, pid]) => [name, await costOf(pid)])));
    },
    close: async () => {
      for (const { process: server } of servers.values()) server.kill("SIGKILL");
      await redis.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

// what one run leaves in Redis, and in its log on disk, would weigh on the next
async function empty(url: string): Promise<void> {
  const connection = new Redis(url);
  await connection.flushall();
  await connection.quit();
}
