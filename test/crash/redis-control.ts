// A Redis that is killed, comes back on the same port, and may have forgotten everything.
import { type PrivateRedis, startPrivateRedis } from "../../src/dev/local-redis/private-redis.ts";
import { openWire } from "../../src/dev/local-redis/wire.ts";

export interface RedisControl {
  readonly url: string;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** Starts it again, with what it kept: `aof` all but the last second, `none` nothing. */
  start(persistence?: "aof" | "none"): Promise<void>;
  /** Empties it while everybody is connected. */
  flush(): Promise<void>;
  /** When it last lost something, ms since 1970; 0 for never. */
  readonly lostAt: number;
  stop(): Promise<void>;
}

export async function openRedisControl(options: { dir: string; persistence: "aof" | "none" }): Promise<RedisControl> {
  let redis: PrivateRedis = await startPrivateRedis(options);
  const { port, url } = redis;
  let lostAt = 0;
  return {
    url,
    get lostAt() {
      return lostAt;
    },
    kill: async () => {
      await redis.kill();
      lostAt = Date.now();
    },
    start: async (persistence = options.persistence) => {
      redis = await startPrivateRedis({ ...options, persistence, port });
    },
    flush: async () => {
      const wire = await openWire({ host: "127.0.0.1", port }, { timeoutMs: 5_000 });
      await wire.command("FLUSHALL");
      lostAt = Date.now();
      await wire.close();
    },
    stop: () => redis.stop(),
  };
}
