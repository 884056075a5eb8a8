// One private Redis for all our processes on one data folder: the first starts it, the others join, the last stops it.
// A worker in one terminal and `enqueue` in another thus meet in the same queue, whichever came first.
//
// Who is there, is known to the server itself: every process holds one named connection, which ends when the process
// does, however it ends. When the starter is killed its lifeline stops the server, also under others that joined.
import { randomBytes } from "node:crypto";
import { readFile, rm, writeFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { addressFile, passwordFile } from "../../app/private-redis-file.ts";
import { toMessage } from "../../domain/errors.ts";
import { NEW_PRIVATE_FILE } from "../../storage/private-files.ts";
import { type PrivateRedis, startPrivateRedis } from "./private-redis.ts";
import { withStartLock } from "./start-lock.ts";
import { openWire, ping, type Wire } from "./wire.ts";

export interface SharedRedis {
  /** With its password. */
  url: string;
  /** Holds the password; only this user may read it. */
  passwordFile: string;
  port: number;
  /** False when it ran already. */
  startedByUs: boolean;
  /** Leaves it, and stops it when nobody else is there. Harmless on repeat. */
  close(): Promise<void>;
}

export interface SharedRedisOptions {
  binary: string;
  /** Receives a line when the server ended unasked, and is started again on the same port. */
  say?: (line: string) => void;
}

interface Running {
  pid: number;
  port: number;
  password: string;
  /** Only where this process started it. */
  own?: PrivateRedis;
}

const HOST = "127.0.0.1";
const MEMBER_NAME = "asset-archiver-member";
const TIMEOUT_MS = 2_000;
const STOP_TIMEOUT_MS = 10_000;

/** Joins the private Redis of `dir`, or starts one with `binary`. `dir` must exist. */
export function openSharedRedis(dir: string, options: SharedRedisOptions): Promise<SharedRedis> {
  return withStartLock(dir, async () => {
    const password = await keepPassword(dir);
    const found = await findRunning(dir, password);
    let running = found ?? (await start(dir, { binary: options.binary, password }));
    let member = await enter(running);
    let closing: Promise<void> | undefined;
    const restart = async () => {
      if (closing !== undefined) return;
      options.say?.(`The private Redis on ${HOST}:${running.port} ended: starting it again`);
      running = await start(dir, { binary: options.binary, password, port: running.port });
      member = await enter(running);
    };
    const keepRunning = ({ own }: Running) =>
      void own?.ended
        .then(() => closing ?? withStartLock(dir, restart).then(() => keepRunning(running)))
        .catch((error: unknown) => options.say?.(toMessage(error)));
    keepRunning(running);
    return {
      url: `redis://:${password}@${HOST}:${running.port}`,
      passwordFile: passwordFile(dir),
      port: running.port,
      startedByUs: found === undefined,
      close() {
        closing ??= withStartLock(dir, () => leave(running, { dir, member }));
        return closing;
      },
    };
  });
}

/**
 * The server whose address a process of ours left here, if it still runs and is the same one. A server without members is
 * about to end, since its starter was killed: it is stopped, so that the next one does not open the same files beside it.
 */
async function findRunning(dir: string, password: string): Promise<Running | undefined> {
  try {
    const { pid, port } = JSON.parse(await readFile(addressFile(dir), "utf8")) as Running;
    const wire = await openWire({ host: HOST, port, password }, { timeoutMs: TIMEOUT_MS });
    const info = await wire.command("INFO", "server");
    if (!info.includes(`process_id:${pid}\r`)) return undefined;
    const running = { pid, port, password };
    const isUsed = (await countMembers(wire)) > 0;
    if (!isUsed) await shutdown(running, wire);
    await wire.close();
    return isUsed ? running : undefined;
  } catch {
    return undefined;
  }
}

async function countMembers(wire: Wire): Promise<number> {
  const list = await wire.command("CLIENT", "LIST");
  return list.split(`name=${MEMBER_NAME} `).length - 1;
}

async function start(dir: string, options: { binary: string; password: string; port?: number }): Promise<Running> {
  const own = await startPrivateRedis({ dir, persistence: "aof", ...options });
  await rm(addressFile(dir), { force: true });
  await writeFile(addressFile(dir), JSON.stringify({ pid: own.pid, port: own.port }), NEW_PRIVATE_FILE);
  return { pid: own.pid, port: own.port, password: options.password, own };
}

/** The password of this folder's server, made once: what knows its URL finds it again after a restart on the same port. */
async function keepPassword(dir: string): Promise<string> {
  const path = passwordFile(dir);
  const kept = await readFile(path, "utf8").catch(() => "");
  if (/^[0-9a-f]{64}\n$/.test(kept)) return kept.trim();
  const password = randomBytes(32).toString("hex");
  await rm(path, { force: true });
  await writeFile(path, `${password}\n`, NEW_PRIVATE_FILE);
  return password;
}

async function enter({ port, password }: Running): Promise<Wire> {
  const wire = await openWire({ host: HOST, port, password }, { timeoutMs: TIMEOUT_MS });
  await wire.command("CLIENT", "SETNAME", MEMBER_NAME);
  return wire;
}

async function leave(running: Running, at: { dir: string; member: Wire }): Promise<void> {
  const members = await countMembers(at.member).catch(() => 0);
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
  const address = { host: HOST, port: running.port, password: running.password };
  const deadline = Date.now() + STOP_TIMEOUT_MS;
  while ((await ping(address, { timeoutMs: TIMEOUT_MS })) !== undefined && Date.now() < deadline) await delay(20);
}
