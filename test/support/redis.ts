// The Redis of the whole test run: found like the program finds it, but always private, in a folder of its own.
// Every test file takes a queue prefix of its own in it; what must be killed or emptied starts its own server instead.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type OpenedRedis, openRedis } from "../../src/local-redis/open-redis.ts";

/** Starts it (and installs Redis where that is possible). `close` stops it and removes its data. */
export async function openTestRedis(): Promise<OpenedRedis> {
  const dataDir = await mkdtemp(join(tmpdir(), "asset-archiver-test-"));
  const say = (line: string) => process.stderr.write(`${line}\n`);
  const redis = await openRedis({ dataDir, say, preferPrivate: true });
  return {
    ...redis,
    async close() {
      await redis.close();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
