// What these tests share: folders that go away, plain commands to a server, and openRedis in a process of its own.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { onTestFinished } from "vitest";
import { openWire, ping } from "../../../src/dev/local-redis/wire.ts";

export async function tempFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "local redis ")); // a blank in it, as people have
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Sends one command to the Redis at `url`. */
export async function say(url: string, ...words: string[]): Promise<string> {
  const wire = await openWire(toAddress(url), { timeoutMs: 5000 });
  try {
    return await wire.command(...words);
  } finally {
    await wire.close();
  }
}

/** Whether a Redis answers there. Unlike a look for its pid, this is not misled by a process that nobody has reaped. */
export async function answers(url: string): Promise<boolean> {
  return (await ping(toAddress(url), { timeoutMs: 5000 })) !== undefined;
}

function toAddress(url: string) {
  const { hostname, port, password } = new URL(url);
  return { host: hostname, port: Number(port), password: password === "" ? undefined : password };
}

/** Resolves once `condition` holds; throws after ten seconds. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error("The condition did not come true in time");
    await delay(20);
  }
}

export interface OtherProcess {
  child: ChildProcess;
  /** Its next line, parsed. */
  next(): Promise<Record<string, unknown>>;
}

/** openRedis in another process. It tells a JSON line when it has one (or why not), and closes on a line on its stdin. */
export function openElsewhere(options: Record<string, unknown>, env: Record<string, string> = {}): OtherProcess {
  const child = spawn(process.execPath, [join(import.meta.dirname, "open-redis-process.ts"), JSON.stringify(options)], {
    env: { ...process.env, ...env },
    stdio: ["pipe", "pipe", "inherit"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    child,
    async next() {
      const { value, done } = await lines.next();
      if (done === true) throw new Error("The process ended without another line");
      return JSON.parse(value) as Record<string, unknown>;
    },
  };
}

/** Closes a process of `openElsewhere` in good order. */
export async function closeElsewhere(other: OtherProcess): Promise<void> {
  other.child.stdin?.write("close\n");
  if (other.child.exitCode === null) await once(other.child, "exit");
}
