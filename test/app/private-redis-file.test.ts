import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import {
  addressFile,
  findPrivateRedisUrl,
  passwordFile,
  privateRedisFolder,
} from "../../src/app/private-redis-file.ts";

const PASSWORD = "ab".repeat(32);

async function dataFolder(address: string, password = `${PASSWORD}\n`): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "private-redis-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const redis = privateRedisFolder(folder);
  await mkdir(redis);
  await writeFile(addressFile(redis), address);
  await writeFile(passwordFile(redis), password);
  return folder;
}

/** A process whose command line begins with this name. */
async function processNamed(name: string): Promise<ChildProcess & { pid: number }> {
  const child = spawn(process.execPath, ["-e", "console.log(1); setInterval(() => {}, 1000)"], { argv0: name });
  onTestFinished(() => void child.kill("SIGKILL"));
  await once(child.stdout, "data");
  return child as typeof child & { pid: number };
}

test("a server that runs is found by its URL with password", async () => {
  const { pid } = await processNamed("redis-server");
  const folder = await dataFolder(JSON.stringify({ pid, port: 4711 }));
  expect(findPrivateRedisUrl(folder)).toBe(`redis://:${PASSWORD}@127.0.0.1:4711`);
});

test("what a killed process left behind is not", async () => {
  const child = await processNamed("redis-server");
  const folder = await dataFolder(JSON.stringify({ pid: child.pid, port: 4711 }));
  child.kill("SIGKILL");
  await once(child, "exit");
  expect(findPrivateRedisUrl(folder)).toBeUndefined();
});

test.skipIf(process.platform !== "linux")("nor is another program that has its process id now", async () => {
  const { pid } = await processNamed("editor");
  expect(findPrivateRedisUrl(await dataFolder(JSON.stringify({ pid, port: 4711 })))).toBeUndefined();
});

test.each([
  ["no JSON", "{"],
  ["no port", JSON.stringify({ pid: process.pid })],
  ["an empty file", ""],
])("nor is %s", async (_, address) => {
  expect(findPrivateRedisUrl(await dataFolder(address))).toBeUndefined();
});

test("nor is a folder without one", () => {
  expect(findPrivateRedisUrl(join(tmpdir(), "no-such-folder"))).toBeUndefined();
});
