// One process at a time may start or stop the server of a data folder: two servers on one append-only file destroy it.
// A lock file that names its holder; what a killed holder leaves behind is recognised by its dead pid.
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { ConfigError } from "../../domain/errors.ts";
import { NEW_PRIVATE_FILE } from "../../storage/private-files.ts";

const WAIT_TIMEOUT_MS = 30_000;
const POLL_MS = 50;

/** Runs `work` while holding the lock of `dir`. Throws ConfigError `redis_busy` when another process keeps it too long. */
export async function withStartLock<T>(dir: string, work: () => Promise<T>): Promise<T> {
  const path = join(dir, "start.lock");
  await take(path);
  try {
    return await work();
  } finally {
    await rm(path, { force: true });
  }
}

async function take(path: string): Promise<void> {
  const deadline = Date.now() + WAIT_TIMEOUT_MS;
  while (!(await create(path))) {
    if (Date.now() > deadline) {
      throw new ConfigError(`Cannot start Redis: another process holds ${path}; remove it if none is running`, {
        code: "redis_busy",
      });
    }
    const holder = Number(await readFile(path, "utf8").catch(() => ""));
    // an empty file belongs to somebody who is just writing it
    if (holder > 0 && !isAlive(holder)) await rm(path, { force: true });
    else await delay(POLL_MS);
  }
}

async function create(path: string): Promise<boolean> {
  try {
    await writeFile(path, String(process.pid), NEW_PRIVATE_FILE);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

/** Whether a process with this id runs; one of another user counts. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
