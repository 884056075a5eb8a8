// One private Redis for all our processes on one data folder: the first starts it, the others join, the last stops it.
// A worker in one terminal and `enqueue` in another thus meet in the same queue, whichever came first.
//
// Who is there, is known to the server itself: every process holds one named connection, which ends when the process
// does, however it ends. When the starter is killed its lifeline stops the server, also under others that joined.
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { type PrivateRedis, startPrivateRedis } from "./private-redis.ts";
import { withStartLock } from "./start-lock.ts";
import { openWire, ping, type Wire } from "./wire.ts";

export interface SharedRedis {
  url: string;
  port: number;
  /** False when it ran already. */
  startedByUs: boolean;
  /** Leaves it, and stops it when nobody else is there. Harmless on repeat. */
  close(): Promise<void>;
}

interface Running {
  pid: number;
  port: number;
  /** Only where this process started it. */
  own?: PrivateRedis;
}

const MEMBER_NAME = "asset-archiver-member";
const TIMEOUT_MS = 2_000;
const STOP_TIMEOUT_MS = 10_000;

/** Joins the private Redis of `dir`, or starts one with `binary`. `dir` must exist. */
export function openSharedRedis(dir: string, options: { binary: string }): Promise<SharedRedis> {
  return withStartLock(dir, async () => {
    const found = await findRunning(dir);
    const running = found ?? (await start(dir, options.binary));
    const member = await enter(running.port);
    let closing: Promise<void> | undefined;
    return {
      url: `redis://127.0.0.1:${running.port}`,
      port: running.port,
      startedByUs: found === undefined,
      close() {
        closing ??= withStartLock(dir, () => leave(running, { dir, member }));
        return closing;
      },
    };
  });
}

/** The server that a process of ours left its address of, if it still runs and is the same one. */
async function findRunning(dir: string): Promise<Running | undefined> {
  try {
    const { pid, port } = JSON.parse(await readFile(addressFile(dir), "utf8")) as Running;
    const wire = await openWire({ host: "127.0.0.1", port }, { timeoutMs: TIMEOUT_MS });
    const info = await wire.command("INFO", "server");
    await wire.close();
    return info.includes(`process_id:${pid}\r`) ? { pid, port } : undefined;
  } catch {
    return undefined;
  }
}

async function start(dir: string, binary: string): Promise<Running> {
  const own = await startPrivateRedis({ dir, persistence: "aof", binary });
  await writeFile(addressFile(dir), JSON.stringify({ pid: own.pid, port: own.port }));
  return { pid: own.pid, port: own.port, own };
}

function addressFile(dir: string): string {
  return join(dir, "server.json");
}

async function enter(port: number): Promise<Wire> {
  const wire = await openWire({ host: "127.0.0.1", port }, { timeoutMs: TIMEOUT_MS });
  await wire.command("CLIENT", "SETNAME", MEMBER_NAME);
  return wire;
}

async function leave(running: Running, at: { dir: string; member: Wire }): Promise<void> {
  const members = await at.member
    .command("CLIENT", "LIST")
    .then((list) => list.split(`name=${MEMBER_NAME} `).length - 1)
    .catch(() => 0);
  if (members > 1) running.own?.release();
  else {
    await rm(addressFile(at.dir), { force: true });
    await (running.own === undefined ? shutdown(running, at.member) : running.own.stop());
  }
  await at.member.close();
}

/**
 * Stops a server that another process started. It answers SHUTDOWN by closing the connection, and closes its port after
 * its data is on disk; its pid says less, for nobody may be there to reap it.
 */
async function shutdown(running: Running, member: Wire): Promise<void> {
  await member.command("SHUTDOWN").catch(() => {});
  const address = { host: "127.0.0.1", port: running.port };
  const deadline = Date.now() + STOP_TIMEOUT_MS;
  while ((await ping(address, { timeoutMs: TIMEOUT_MS })) !== undefined && Date.now() < deadline) await delay(20);
}
