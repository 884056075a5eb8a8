// The figures of `status`, of the server and of the metrics, while Redis comes and goes.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { getStatus } from "../../src/app/status.ts";
import { startPrivateRedis } from "../../src/dev/local-redis/private-redis.ts";
import { openWorld } from "../support/world.ts";

async function openOnPrivateRedis() {
  const dir = await mkdtemp(join(tmpdir(), "asset-archiver-redis-"));
  const redis = await startPrivateRedis({ dir, persistence: "none" });
  onTestFinished(async () => {
    await redis.kill();
    await rm(dir, { recursive: true, force: true });
  });
  return { ...(await openWorld({ REDIS_URL: redis.url })), redis };
}

test.each(["SIGKILL", "SIGSTOP"] as const)(
  "a Redis that gets %s right after it answered a ping is away",
  async (signal) => {
    const { app, redis } = await openOnPrivateRedis();
    const queues = await app.queues();
    await queues.ping();
    // its answer is believed for a moment: the ping of the look itself does not ask
    process.kill(redis.pid, signal);
    const heard: Error[] = [];
    const look = getStatus(app, (error) => heard.push(error));
    await expect(look).resolves.toMatchObject({ generate: null, archive: null, gate: null, requests: { queued: 0 } });
    expect(heard).toMatchObject([{ name: "TransientError", code: "redis_unreachable" }]);
    expect(heard[0]?.message.match(/Cannot reach Redis/g)).toHaveLength(1);
    if (signal === "SIGSTOP") process.kill(redis.pid, "SIGCONT");
  },
);
