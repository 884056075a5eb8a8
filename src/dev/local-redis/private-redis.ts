// Starts one Redis server of our own on the loopback address, and stops it. Knows nothing of who shares it.
// The server outlives Ctrl-C (its own process group) but never us: a lifeline ends it when this process is killed.
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync, rmSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { ConfigError } from "../../domain/errors.ts";
import { makeFolder } from "../../storage/make-folder.ts";
import { NEW_PRIVATE_FILE } from "../../storage/private-files.ts";
import { type Address, openWire } from "./wire.ts";

export interface PrivateRedisOptions {
  /** Data and log go here; it is made where it is missing. */
  dir: string;
  /** `aof`: every command on disk within a second. `none`: a Redis that forgets, for tests. */
  persistence: "aof" | "none";
  /** A free one where it is left out. */
  port?: number;
  /** Without one everybody on this machine may use it. */
  password?: string;
  /** The server program; `redis-server` where it is left out. */
  binary?: string;
}

/** A Redis server that is a child of this process. */
export interface PrivateRedis {
  pid: number;
  port: number;
  /** With the password, where there is one. */
  url: string;
  /** SIGTERM, then SIGKILL after a deadline. Resolves when it is gone; harmless on repeat. */
  stop(): Promise<void>;
  /** SIGKILL at once: what a crash looks like. Resolves when it is gone. */
  kill(): Promise<void>;
  /** Lets it live on when this process ends. */
  release(): void;
  /** Resolves when it is gone, for whatever reason. */
  readonly ended: Promise<void>;
}

const HOST = "127.0.0.1";
const LOG_FILE = "redis.log";

const START_TIMEOUT_MS = 15_000;
const LOADING_TIMEOUT_MS = 120_000;
const STOP_TIMEOUT_MS = 10_000;
const POLL_MS = 20;
const PORT_ATTEMPTS = 5;

// The shell starts a watcher and becomes the server, so the child's pid is the server's. The watcher reads from a pipe
// whose other end only we hold: a line means "let it be", the end of the pipe means that we died without a word.
// The outer parentheses hand the watcher to init, so that the server never has a child it does not know.
const LIFELINE = `( { read -r word <&3 || kill -TERM $$; } >/dev/null 2>&1 & ) ; exec "$@" 3<&-`;

/** Starts a server and resolves once it answers PING. Throws ConfigError `redis_start_failed` with the server's own words. */
export async function startPrivateRedis(options: PrivateRedisOptions): Promise<PrivateRedis> {
  await makeFolder(options.dir);
  for (let attempt = 1; ; attempt++) {
    const port = options.port ?? (await freePort());
    const child = spawnServer(options, port);
    try {
      await answers(child, { host: HOST, port, password: options.password });
      return control(child, { port, password: options.password });
    } catch (cause) {
      await end(child, "SIGKILL");
      const log = await lastWords(options.dir);
      // between our look for a free port and the server's bind, somebody else may have taken it
      const taken = options.port === undefined && /address already in use/i.test(log);
      if (!taken || attempt === PORT_ATTEMPTS) throw startError(options, { cause, log });
    }
  }
}

function spawnServer(options: PrivateRedisOptions, port: number): ChildProcess {
  const log = openNew(join(options.dir, LOG_FILE));
  try {
    const command = [options.binary ?? "redis-server", ...writeSecrets(options), ...serverArguments(options, port)];
    const child = spawn("/bin/sh", ["-c", LIFELINE, "sh", ...command], {
      detached: true,
      stdio: ["ignore", log, log, "pipe"],
    });
    child.on("error", () => {});
    child.stdio[3]?.on("error", () => {});
    child.unref();
    (child.stdio[3] as unknown as { unref(): void }).unref();
    return child;
  } finally {
    closeSync(log);
  }
}

// by a file and not as an argument: arguments of a process can be read by everybody on the machine
function writeSecrets({ dir, password }: PrivateRedisOptions): string[] {
  if (password === undefined) return [];
  const path = join(dir, "redis.conf");
  rmSync(path, { force: true });
  writeFileSync(path, `requirepass ${password}\n`, NEW_PRIVATE_FILE);
  return [path];
}

// what is there is removed and not written to: it may be a link
function openNew(path: string): number {
  rmSync(path, { force: true });
  return openSync(path, NEW_PRIVATE_FILE.flag, NEW_PRIVATE_FILE.mode);
}

function serverArguments(options: PrivateRedisOptions, port: number): string[] {
  const appendOnly = options.persistence === "aof" ? "yes" : "no";
  const settings = {
    bind: HOST,
    port: String(port),
    dir: options.dir,
    daemonize: "no",
    save: "",
    appendonly: appendOnly,
    appendfsync: "everysec",
    "maxmemory-policy": "noeviction",
  };
  return Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
}

/** A port that was free a moment ago. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}

async function answers(child: ChildProcess, address: Address): Promise<void> {
  const startedAt = Date.now();
  let loading = false;
  while (Date.now() - startedAt < (loading ? LOADING_TIMEOUT_MS : START_TIMEOUT_MS)) {
    if (hasEnded(child)) throw new Error("the server ended at once");
    const info = await serverInfo(address);
    // another server on that port answers with another pid
    if (info?.includes(`process_id:${child.pid}\r`) && !info.startsWith("-")) {
      if (!info.includes("loading:1\r")) return;
      loading = true;
    }
    await delay(POLL_MS);
  }
  throw new Error(`no answer within ${Date.now() - startedAt} ms`);
}

async function serverInfo(address: Address): Promise<string | undefined> {
  const wire = await openWire(address, { timeoutMs: 1000 }).catch(() => undefined);
  const info = await wire?.command("INFO").catch(() => undefined);
  await wire?.close();
  return info;
}

function control(
  child: ChildProcess,
  { port, password }: { port: number; password: string | undefined },
): PrivateRedis {
  const release = () => {
    if (child.stdio[3]?.destroyed === false) (child.stdio[3] as unknown as NodeJS.WritableStream).end("done\n");
  };
  // once the server is gone its pid may become another's: the watcher must not fire then
  child.once("exit", release);
  return {
    pid: child.pid ?? 0,
    port,
    url: `redis://${password === undefined ? "" : `:${password}@`}${HOST}:${port}`,
    stop: () => end(child, "SIGTERM"),
    kill: () => end(child, "SIGKILL"),
    release,
    ended: hasEnded(child) ? Promise.resolve() : new Promise((resolve) => child.once("exit", () => resolve())),
  };
}

async function end(child: ChildProcess, signal: "SIGTERM" | "SIGKILL"): Promise<void> {
  if (hasEnded(child)) return;
  await new Promise<void>((resolve) => {
    const force = setTimeout(() => child.kill("SIGKILL"), STOP_TIMEOUT_MS);
    child.once("exit", () => {
      clearTimeout(force);
      resolve();
    });
    child.kill(signal);
  });
}

function hasEnded(child: ChildProcess): boolean {
  return child.pid === undefined || child.exitCode !== null || child.signalCode !== null;
}

async function lastWords(dir: string): Promise<string> {
  const log = await readFile(join(dir, LOG_FILE), "utf8").catch(() => "");
  return log.trim().split("\n").slice(-4).join("; ");
}

function startError(options: PrivateRedisOptions, why: { cause: unknown; log: string }): ConfigError {
  const said = why.log === "" ? "it said nothing" : `it said: ${why.log}`;
  return new ConfigError(`Cannot start ${options.binary ?? "redis-server"} in ${options.dir}: ${said}`, {
    code: "redis_start_failed",
    cause: why.cause,
  });
}
