// Finds a Redis to work with: the one that was named, one that is there, or a private one that we start (and install).
// The order is a promise of the README. No Redis client in here: that one lives in the queue's folder.
import { chmod } from "node:fs/promises";
import { resolve } from "node:path";
import { privateRedisFolder } from "../../app/private-redis-file.ts";
import { ConfigError, toMessage } from "../../domain/errors.ts";
import { makeFolder } from "../../storage/make-folder.ts";
import { PRIVATE_FOLDER } from "../../storage/private-files.ts";
import { findServerProgram, installServerProgram } from "./install.ts";
import { openSharedRedis } from "./shared-redis.ts";
import { openWire, ping } from "./wire.ts";

export interface OpenRedisOptions {
  /** REDIS_URL as somebody set it; undefined when nobody did. */
  redisUrl?: string | undefined;
  /** A private Redis keeps its data in `<dataDir>/redis`. */
  dataDir: string;
  /** Told what was found or done, a line each. */
  say: (line: string) => void;
  /** Whether apt may be used. Default: yes. */
  allowInstall?: boolean;
  /** Passes over a server on the default address, which may hold somebody's own data. */
  preferPrivate?: boolean;
  /** Where to look for a server that is there. Default: redis://127.0.0.1:6379. */
  defaultUrl?: string;
  signal?: AbortSignal;
}

export interface OpenedRedis {
  url: string;
  /** Of a private one: holds the password that is in `url`, so that the URL can be shown without it. */
  passwordFile?: string;
  startedByUs: boolean;
  /** Stops what we started, once no other process of ours uses it. Harmless on repeat. */
  close(): Promise<void>;
}

const DEFAULT_URL = "redis://127.0.0.1:6379";
const ANSWER_TIMEOUT_MS = 5_000;
const LOOK_TIMEOUT_MS = 1_000;

/**
 * The first of these that is there:
 * 1. `redisUrl`, which must answer (ConfigError `redis_unreachable`, `redis_auth` or `redis_url` otherwise)
 * 2. a server that answers on the default address without a password
 * 3. `redis-server` or `valkey-server` on the PATH, started privately, append-only, or joined where it runs already
 * 4. the same after an installation with apt, as root on Debian and Ubuntu
 * Otherwise ConfigError `redis_missing`, which lists the ways to get one.
 */
export async function openRedis(options: OpenRedisOptions): Promise<OpenedRedis> {
  if (options.redisUrl !== undefined) return useNamed(options.redisUrl);
  const there = options.preferPrivate === true ? undefined : await findThere(options);
  return there ?? (await openPrivate(options));
}

async function useNamed(url: string): Promise<OpenedRedis> {
  const parsed = URL.parse(url);
  if (parsed === null || !["redis:", "rediss:"].includes(parsed.protocol)) {
    throw unusable("redis_url", "wanted redis://host:port or rediss://host:port");
  }
  // TLS and passwords are the client's business; it reports what is wrong with them
  if (parsed.protocol === "redis:" && parsed.password === "") await mustAnswer(parsed);
  return notOurs(url);
}

async function mustAnswer(url: URL): Promise<void> {
  const place = `${url.hostname}:${url.port || 6379}`;
  let reply: string;
  try {
    const wire = await openWire(toAddress(url), { timeoutMs: ANSWER_TIMEOUT_MS });
    reply = await wire.command("PING");
    await wire.close();
  } catch (cause) {
    throw unusable("redis_unreachable", `nothing answers at ${place}: ${toMessage(cause)}`, cause);
  }
  if (/^-(NOAUTH|WRONGPASS)/.test(reply)) {
    throw unusable("redis_auth", `${place} wants a password: redis://:password@${place}`);
  }
  // "-LOADING" is a Redis too: it is reading its data, and the client waits for it
  if (reply !== "PONG" && !reply.startsWith("-LOADING")) {
    throw unusable("redis_unreachable", `${place} does not answer like a Redis`);
  }
}

async function findThere(options: OpenRedisOptions): Promise<OpenedRedis | undefined> {
  const url = new URL(options.defaultUrl ?? DEFAULT_URL);
  const reply = await ping(toAddress(url), { timeoutMs: LOOK_TIMEOUT_MS });
  if (reply?.startsWith("-NOAUTH")) options.say(`The Redis at ${url.host} wants a password: passing over it`);
  if (reply !== "PONG" && !reply?.startsWith("-LOADING")) return undefined;
  const kind = await kindOf(url);
  if (kind !== undefined) {
    options.say(`The Redis at ${url.host} is ${kind}: passing over it`);
    return undefined;
  }
  options.say(`Using the Redis at ${url.hostname}:${url.port || 6379}`);
  return notOurs(url.href);
}

// cluster nodes, Sentinels and replicas answer PING too, and take no jobs
async function kindOf(url: URL): Promise<string | undefined> {
  try {
    const wire = await openWire(toAddress(url), { timeoutMs: LOOK_TIMEOUT_MS });
    const [server, replication] = [await wire.command("INFO server"), await wire.command("INFO replication")];
    await wire.close();
    if (/^redis_mode:cluster/m.test(server)) return "a node of a Redis Cluster";
    if (/^redis_mode:sentinel/m.test(server)) return "a Redis Sentinel";
    return /^role:(slave|replica)/m.test(replication) ? "a read-only replica" : undefined;
  } catch {
    return undefined;
  }
}

async function openPrivate(options: OpenRedisOptions): Promise<OpenedRedis> {
  const { say, allowInstall = true, signal } = options;
  const binary =
    (await findServerProgram()) ?? (await installServerProgram({ say, allowInstall, ...(signal && { signal }) }));
  const dir = resolve(privateRedisFolder(options.dataDir));
  await makeFolder(dir);
  // one that an older version made
  await chmod(dir, PRIVATE_FOLDER);
  const { url, passwordFile, port, startedByUs, close } = await openSharedRedis(dir, { binary, say });
  say(`${startedByUs ? "Started" : "Joined"} a private Redis on 127.0.0.1:${port}, data in ${dir}`);
  return { url, passwordFile, startedByUs, close };
}

function toAddress(url: URL): { host: string; port: number } {
  // brackets belong to URLs, not to addresses
  return { host: url.hostname.replace(/^\[|\]$/g, "") || "127.0.0.1", port: Number(url.port || 6379) };
}

function notOurs(url: string): OpenedRedis {
  return { url, startedByUs: false, close: () => Promise.resolve() };
}

function unusable(code: string, message: string, cause?: unknown): ConfigError {
  return new ConfigError(`Cannot use REDIS_URL: ${message}`, {
    code,
    cause,
    faults: [{ field: "REDIS_URL", message }],
  });
}
