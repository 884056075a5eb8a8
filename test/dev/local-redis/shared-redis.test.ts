import { once } from "node:events";
import { mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { openRedis } from "../../../src/dev/local-redis/open-redis.ts";
import { answers, closeElsewhere, openElsewhere, say, tempFolder, until } from "./support.ts";

const quiet = { say: () => {} };

async function serverPid(dataDir: string): Promise<number> {
  return JSON.parse(await readFile(join(dataDir, "redis", "server.json"), "utf8")).pid;
}

describe("several processes on one data folder", () => {
  test("meet in one Redis, and the last one stops it", async () => {
    const dataDir = await tempFolder();
    const first = openElsewhere({ dataDir, preferPrivate: true });
    const { url } = await first.next();
    const second = await openRedis({ dataDir, preferPrivate: true, ...quiet });
    onTestFinished(() => second.close());
    expect(second).toMatchObject({ url, startedByUs: false });
    await closeElsewhere(first);
    expect(await say(second.url, "PING")).toBe("PONG");
    await second.close();
    expect(await answers(second.url)).toBe(false);
  });

  test("that start at the same moment get the same one", async () => {
    const dataDir = await tempFolder();
    const all = [1, 2, 3].map(() => openElsewhere({ dataDir, preferPrivate: true }));
    const told = await Promise.all(all.map((other) => other.next()));
    expect(new Set(told.map(({ url }) => url)).size).toBe(1);
    expect(told.filter(({ startedByUs }) => startedByUs)).toHaveLength(1);
    await Promise.all(all.map(closeElsewhere));
    expect(await answers(String(told[0]?.url))).toBe(false);
  });

  test("a killed process takes its Redis along, and the next one finds the data", async () => {
    const dataDir = await tempFolder();
    const first = openElsewhere({ dataDir, preferPrivate: true });
    const { url } = (await first.next()) as { url: string };
    await say(url, "SET", "prompt", "lighthouse");
    first.child.kill("SIGKILL");
    await until(async () => !(await answers(url)));
    const next = await openRedis({ dataDir, preferPrivate: true, ...quiet });
    onTestFinished(() => next.close());
    expect(await say(next.url, "GET", "prompt")).toBe("lighthouse");
  });

  test("the Redis of a Ctrl-C lives until its process has closed it", async () => {
    const dataDir = await tempFolder();
    const other = openElsewhere({ dataDir, preferPrivate: true });
    const { url } = await other.next();
    const pid = await serverPid(dataDir);
    // a group of its own: a terminal's SIGINT goes to the group of the process, which this one is not in
    expect(() => process.kill(-pid, 0)).not.toThrow();
    await closeElsewhere(other);
    expect(await answers(String(url))).toBe(false);
  });

  test("a lock that a killed process left behind is no obstacle", async () => {
    const dataDir = await tempFolder();
    const gone = openElsewhere({});
    await once(gone.child, "exit");
    await mkdir(join(dataDir, "redis"));
    await writeFile(join(dataDir, "redis", "start.lock"), String(gone.child.pid));
    const redis = await openRedis({ dataDir, preferPrivate: true, ...quiet });
    await redis.close();
  });
});

test("only who may read its folder knows its password", async () => {
  const dataDir = await tempFolder();
  const redis = await openRedis({ dataDir, preferPrivate: true, say: () => {} });
  onTestFinished(() => redis.close());
  const { host, password } = new URL(redis.url);
  expect(password).toMatch(/^[0-9a-f]{64}$/);
  expect(await say(`redis://${host}`, "PING")).toMatch(/^-NOAUTH/);
  expect(await readFile(redis.passwordFile ?? "", "utf8")).toBe(`${password}\n`);
  const dir = join(dataDir, "redis");
  expect((await stat(dir)).mode & 0o777).toBe(0o700);
  for (const name of ["password", "redis.conf", "redis.log", "server.json"])
    expect([name, (await stat(join(dir, name))).mode & 0o777]).toEqual([name, 0o600]);
  const { pid } = JSON.parse(await readFile(join(dir, "server.json"), "utf8")) as { pid: number };
  // everybody on the machine can read the arguments of a process
  if (process.platform === "linux") expect(await readFile(`/proc/${pid}/cmdline`, "utf8")).not.toContain(password);
});

test("a folder has one password: a URL is good after a restart", async () => {
  const dataDir = await tempFolder();
  const passwords: string[] = [];
  for (let time = 0; time < 2; time++) {
    const redis = await openRedis({ dataDir, preferPrivate: true, say: () => {} });
    passwords.push(new URL(redis.url).password);
    await redis.close();
  }
  expect(passwords[0]).toBe(passwords[1]);
});
