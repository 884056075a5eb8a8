import { once } from "node:events";
import { chmod, readFile, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { openRedis } from "../../../src/dev/local-redis/open-redis.ts";
import { startPrivateRedis } from "../../../src/dev/local-redis/private-redis.ts";
import { isAlive } from "../../../src/dev/local-redis/start-lock.ts";
import { openConfiguredRedis } from "../../support/redis.ts";
import { closeElsewhere, openElsewhere, say, tempFolder } from "./support.ts";

/** An address where nothing listens. */
async function deafUrl(): Promise<string> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return `redis://127.0.0.1:${port}`;
}

async function someRedis() {
  const redis = await startPrivateRedis({ dir: await tempFolder(), persistence: "none" });
  onTestFinished(() => redis.kill());
  return redis;
}

const quiet = { say: () => {} };

async function serverPid(dataDir: string): Promise<number> {
  return JSON.parse(await readFile(join(dataDir, "redis", "server.json"), "utf8")).pid;
}

describe("the order of finding", () => {
  test("the named one comes first, and is left running", async () => {
    const [named, there] = [await someRedis(), await someRedis()];
    const redis = await openRedis({
      redisUrl: named.url,
      defaultUrl: there.url,
      dataDir: await tempFolder(),
      ...quiet,
    });
    expect(redis).toMatchObject({ url: named.url, startedByUs: false });
    await redis.close();
    expect(await say(named.url, "PING")).toBe("PONG");
  });

  test("then the one on the default address, and says so", async () => {
    const there = await someRedis();
    const said: string[] = [];
    const redis = await openRedis({
      defaultUrl: there.url,
      dataDir: await tempFolder(),
      say: (line) => said.push(line),
    });
    expect(redis).toMatchObject({ url: there.url, startedByUs: false });
    expect(said).toEqual([`Using the Redis at 127.0.0.1:${there.port}`]);
  });

  test("but not a cluster node, which takes no jobs", async () => {
    const node = await openConfiguredRedis(["cluster-enabled yes", 'save ""']);
    onTestFinished(node.close);
    const said: string[] = [];
    const redis = await openRedis({
      defaultUrl: node.url,
      dataDir: await tempFolder(),
      say: (line) => said.push(line),
    });
    onTestFinished(redis.close);
    expect(redis.startedByUs).toBe(true);
    expect(said[0]).toMatch(/is a node of a Redis Cluster: passing over it/);
  });

  test("then a private one, which is stopped at the end", async () => {
    const dataDir = await tempFolder();
    const said: string[] = [];
    const redis = await openRedis({ defaultUrl: await deafUrl(), dataDir, say: (line) => said.push(line) });
    onTestFinished(() => redis.close());
    expect(redis.startedByUs).toBe(true);
    expect(said[0]).toContain(join(dataDir, "redis"));
    expect(await say(redis.url, "INFO", "persistence")).toContain("aof_enabled:1");
    const pid = await serverPid(dataDir);
    await redis.close();
    await redis.close();
    expect(isAlive(pid)).toBe(false);
  });

  test("a private one is preferred on request", async () => {
    const there = await someRedis();
    const redis = await openRedis({
      defaultUrl: there.url,
      preferPrivate: true,
      dataDir: await tempFolder(),
      ...quiet,
    });
    onTestFinished(() => redis.close());
    expect(redis.url).not.toBe(there.url);
  });

  test("one that wants a password is passed over on the default address", async () => {
    const there = await someRedis();
    await say(there.url, "CONFIG", "SET", "requirepass", "secret");
    const said: string[] = [];
    const redis = await openRedis({
      defaultUrl: there.url,
      dataDir: await tempFolder(),
      say: (line) => said.push(line),
    });
    onTestFinished(() => redis.close());
    expect(redis.startedByUs).toBe(true);
    expect(said[0]).toContain("wants a password");
  });

  test("without any server program the ways to get one are listed", async () => {
    const PATH = await tempFolder();
    const other = openElsewhere(
      { dataDir: await tempFolder(), defaultUrl: await deafUrl(), allowInstall: false },
      { PATH },
    );
    const { code, message } = await other.next();
    expect(code).toBe("redis_missing");
    for (const way of ["apt-get install redis-server", "brew install redis", "docker run", "REDIS_URL="]) {
      expect(message).toContain(way);
    }
  });

  test("valkey-server does as well", async () => {
    const PATH = await tempFolder();
    await symlink("/usr/bin/redis-server", join(PATH, "valkey-server"));
    const other = openElsewhere(
      { dataDir: await tempFolder(), defaultUrl: await deafUrl(), allowInstall: false },
      { PATH },
    );
    expect(await other.next()).toMatchObject({ startedByUs: true });
    await closeElsewhere(other);
  });
});

describe("an installation with apt", () => {
  async function pathWithApt(script: string): Promise<string> {
    const PATH = await tempFolder();
    await writeFile(join(PATH, "apt-get"), `#!/bin/sh\n${script}\n`);
    await chmod(join(PATH, "apt-get"), 0o755);
    return PATH;
  }
  const isRoot = process.getuid?.() === 0;

  test("as root it updates, installs and starts what it got; others are told how", async () => {
    const PATH = await pathWithApt(
      '[ "$2" = install ] && /bin/ln -s /usr/bin/redis-server "$PATH/redis-server"; exit 0',
    );
    const other = openElsewhere({ dataDir: await tempFolder(), defaultUrl: await deafUrl() }, { PATH });
    const told = await other.next();
    if (!isRoot) return expect(told).toMatchObject({ code: "redis_missing" });
    expect(told).toMatchObject({ startedByUs: true });
    expect(told.said).toContain("No Redis here: installing redis-server with apt-get (as root on Debian or Ubuntu)");
    await closeElsewhere(other);
  });

  test.each([
    ["update", "E: Unable to lock directory /var/lib/apt/lists/"],
    [
      "install",
      "E: Unable to acquire the dpkg frontend lock (/var/lib/dpkg/lock-frontend), is another process using it?",
    ],
  ])("waits while another process holds the lock at %s, and says so once", async (step, words) => {
    // the lock is free at the third try
    const PATH = await pathWithApt(`
      if [ "$2" = ${step} ] && ! [ -e "$PATH/free" ]; then
        [ -e "$PATH/tried" ] && : > "$PATH/free"
        : > "$PATH/tried"
        echo "E: Could not get lock. It is held by process 4711 (unattended-upgr)" >&2
        echo "${words}" >&2
        exit 100
      fi
      [ "$2" = install ] && /bin/ln -s /usr/bin/redis-server "$PATH/redis-server"
      exit 0`);
    const other = openElsewhere({ dataDir: await tempFolder(), defaultUrl: await deafUrl() }, { PATH });
    const found = await other.next();
    if (!isRoot) return expect(found).toMatchObject({ code: "redis_missing" });
    expect(found).toMatchObject({ startedByUs: true });
    const waits = (found.said as string[]).filter((line) => line.includes("Waiting for another process"));
    expect(waits).toEqual([expect.stringContaining("process 4711 (unattended-upgr)")]);
    await closeElsewhere(other);
  });

  test("that fails gives its last line and the other ways", async () => {
    const PATH = await pathWithApt('echo "E: no network here" >&2; exit 100');
    const other = openElsewhere({ dataDir: await tempFolder(), defaultUrl: await deafUrl() }, { PATH });
    const { code, message } = await other.next();
    expect(code).toBe("redis_missing");
    if (isRoot) expect(message).toContain("E: no network here");
    expect(message).toContain("brew install redis");
  });
});

describe("a named Redis that cannot be used", () => {
  test("is named when nothing answers", async () => {
    const redisUrl = await deafUrl();
    const opening = openRedis({ redisUrl, dataDir: await tempFolder(), ...quiet });
    await expect(opening).rejects.toMatchObject({
      code: "redis_unreachable",
      message: expect.stringContaining(`Cannot use REDIS_URL: nothing answers at ${new URL(redisUrl).host}`),
      faults: [{ field: "REDIS_URL" }],
    });
  });

  test("is told apart when it wants a password", async () => {
    const { url } = await someRedis();
    await say(url, "CONFIG", "SET", "requirepass", "secret");
    const opening = openRedis({ redisUrl: url, dataDir: await tempFolder(), ...quiet });
    await expect(opening).rejects.toMatchObject({ code: "redis_auth" });
  });

  test("is told apart when it is no Redis", async () => {
    const server = createServer((socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n")).listen(0, "127.0.0.1");
    onTestFinished(() => void server.close());
    await once(server, "listening");
    const redisUrl = `redis://127.0.0.1:${(server.address() as { port: number }).port}`;
    const opening = openRedis({ redisUrl, dataDir: await tempFolder(), ...quiet });
    await expect(opening).rejects.toMatchObject({ code: "redis_unreachable" });
  });

  test.each(["http://127.0.0.1", "six"])("is refused when it is no Redis address: %s", async (redisUrl) => {
    const opening = openRedis({ redisUrl, dataDir: await tempFolder(), ...quiet });
    await expect(opening).rejects.toMatchObject({ code: "redis_url" });
  });

  test.each(["rediss://cache.example:6380", "redis://:secret@cache.example:6379"])(
    "is taken as it is where a plain socket cannot ask: %s",
    async (redisUrl) => {
      const redis = await openRedis({ redisUrl, dataDir: await tempFolder(), ...quiet });
      expect(redis).toMatchObject({ url: redisUrl, startedByUs: false });
    },
  );
});
