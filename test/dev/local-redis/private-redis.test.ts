import { createServer } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import { type PrivateRedisOptions, startPrivateRedis } from "../../../src/dev/local-redis/private-redis.ts";
import { isAlive } from "../../../src/dev/local-redis/start-lock.ts";
import { say, tempFolder } from "./support.ts";

async function start(options: PrivateRedisOptions) {
  const redis = await startPrivateRedis(options);
  onTestFinished(() => redis.kill());
  return redis;
}

describe("a private Redis", () => {
  test("answers on a free port of the loopback address, append-only, evicting nothing", async () => {
    const redis = await start({ dir: await tempFolder(), persistence: "aof" });
    expect(redis.url).toBe(`redis://127.0.0.1:${redis.port}`);
    expect(await say(redis.url, "PING")).toBe("PONG");
    const info = await say(redis.url, "INFO");
    expect(info).toContain(`process_id:${redis.pid}\r`);
    expect(info).toContain("aof_enabled:1\r");
    expect(info).toContain("maxmemory_policy:noeviction\r");
  });

  test("two at once have two ports", async () => {
    const [one, other] = await Promise.all([
      start({ dir: await tempFolder(), persistence: "none" }),
      start({ dir: await tempFolder(), persistence: "none" }),
    ]);
    expect(one.port).not.toBe(other.port);
  });

  test("is gone after stop, which may be repeated", async () => {
    const redis = await start({ dir: await tempFolder(), persistence: "aof" });
    await redis.stop();
    await redis.stop();
    expect(isAlive(redis.pid)).toBe(false);
    await expect(say(redis.url, "PING")).rejects.toThrow();
  });

  test.each(["stop", "kill"] as const)(
    "keeps what it was told through %s and a restart on the same port",
    async (how) => {
      const dir = await tempFolder();
      const before = await start({ dir, persistence: "aof" });
      await say(before.url, "SET", "prompt", "lighthouse");
      await say(before.url, "WAITAOF", "1", "0", "1000").catch(() => "");
      await before[how]();
      const after = await start({ dir, persistence: "aof", port: before.port });
      expect(after.port).toBe(before.port);
      expect(await say(after.url, "GET", "prompt")).toBe("lighthouse");
    },
  );

  test("without persistence it comes back empty", async () => {
    const dir = await tempFolder();
    const before = await start({ dir, persistence: "none" });
    await say(before.url, "SET", "prompt", "lighthouse");
    await before.stop();
    const after = await start({ dir, persistence: "none", port: before.port });
    expect(await say(after.url, "DBSIZE")).toBe("0");
  });

  test("says why it did not start: a port that is taken", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    onTestFinished(() => void other.close());
    await new Promise((resolve) => other.once("listening", resolve));
    const { port } = other.address() as { port: number };
    await expect(startPrivateRedis({ dir: await tempFolder(), persistence: "none", port })).rejects.toMatchObject({
      code: "redis_start_failed",
      message: expect.stringMatching(/^Cannot start redis-server in .*in use/i),
    });
  });

  test("says why it did not start: no such program", async () => {
    const start = startPrivateRedis({ dir: await tempFolder(), persistence: "none", binary: "no-such-server" });
    await expect(start).rejects.toThrow(/no-such-server.*not found/);
  });
});
