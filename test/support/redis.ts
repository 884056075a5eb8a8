// The Redis of the whole test run: found like the program finds it, but always private, in a folder of its own.
// Every test file takes a queue prefix of its own in it; what must be killed or emptied starts its own server instead.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { findServerProgram } from "../../src/dev/local-redis/install.ts";
import { type OpenedRedis, openRedis } from "../../src/dev/local-redis/open-redis.ts";
import { ping } from "../../src/dev/local-redis/wire.ts";

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

/** A server with such a configuration, such as a cluster node, a Sentinel or a replica; `close` ends it. */
export async function openConfiguredRedis(
  lines: readonly string[],
  flags: readonly string[] = [],
): Promise<{ url: string; port: number; close(): Promise<void> }> {
  const [dir, port] = [await mkdtemp(join(tmpdir(), "asset-archiver-test-")), await freePort()];
  const config = join(dir, "redis.conf");
  await writeFile(config, [`port ${port}`, `dir ${dir}`, "bind 127.0.0.1", ...lines, ""].join("\n"));
  const child = spawn((await findServerProgram()) ?? "redis-server", [config, ...flags], { stdio: "ignore" });
  const exited = once(child, "exit");
  while ((await ping({ host: "127.0.0.1", port }, { timeoutMs: 1_000 })) !== "PONG") await delay(20);
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    close: async () => {
      child.kill("SIGKILL");
      await exited;
      await rm(dir, { recursive: true, force: true });
    },
  };
}

// a cluster node listens on its port plus 10,000 too
async function freePort(): Promise<number> {
  for (;;) {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as { port: number };
    server.close();
    await once(server, "close");
    if (port + 10_000 < 65_536) return port;
  }
}
