// Where measurements happen: servers in processes of their own, subjects in processes of their own, and a folder that is
// removed in the end. What runs here runs on loopback, on free ports, and stops with us.
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startPrivateRedis } from "../src/local-redis/private-redis.ts";

/** What a subject tells about itself when it is done. */
export interface Measured {
  /** The figure of its case: a rate, a time; see the case. */
  value: number;
  cpuSeconds: number;
  peakRssMib: number;
  /** More than one figure, where a case has them. */
  [more: string]: number;
}

export interface Lab {
  readonly folder: string;
  readonly redisUrl: string;
  /** Starts a server of `servers/`; resolves to its port on loopback. */
  serve(name: string, env?: Record<string, string>): Promise<number>;
  /** Runs a subject of `subjects/` to its end, in a fresh folder. */
  run(name: string, env: Record<string, string>): Promise<Measured>;
  close(): Promise<void>;
}

export async function openLab(): Promise<Lab> {
  const folder = await mkdtemp(join(tmpdir(), "asset-archiver-bench-"));
  const redis = await startPrivateRedis({ dir: join(folder, "redis"), persistence: "aof" });
  const servers: ChildProcess[] = [];
  let runs = 0;
  return {
    folder,
    redisUrl: redis.url,
    serve: async (name, env = {}) => {
      const child = start(`servers/${name}.ts`, { env, cwd: folder });
      servers.push(child);
      const [message] = (await once(child, "message")) as [{ port: number }];
      return message.port;
    },
    run: async (name, env) => {
      runs += 1;
      const cwd = await mkdtemp(join(folder, `run-${runs}-`));
      const common = { REDIS_URL: redis.url, QUEUE_PREFIX: `{bench-${runs}}`, LOG_LEVEL: "error" };
      const measured = await measure(start(`subjects/${name}.ts`, { env: { ...common, ...env }, cwd }));
      await rm(cwd, { recursive: true, force: true });
      return measured;
    },
    close: async () => {
      for (const server of servers) server.kill("SIGKILL");
      await redis.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function start(file: string, { env, cwd }: { env: Record<string, string>; cwd: string }): ChildProcess {
  const path = join(import.meta.dirname, file);
  return fork(path, { cwd, env: { ...cleanEnvironment(), ...env }, stdio: ["ignore", "ignore", "inherit", "ipc"] });
}

// the caller's own settings must not steer a measurement
function cleanEnvironment(): Record<string, string> {
  const { PATH = "", HOME = "", TMPDIR = "" } = process.env;
  return { PATH, HOME, ...(TMPDIR === "" ? {} : { TMPDIR }) };
}

async function measure(child: ChildProcess): Promise<Measured> {
  const { promise, resolve, reject } = Promise.withResolvers<Measured>();
  let said: Measured | undefined;
  child.once("message", (message) => {
    said = message as Measured;
  });
  child.once("error", reject);
  child.once("exit", (code) => {
    if (code === 0 && said !== undefined) resolve(said);
    else reject(new Error(`A subject ended with exit code ${code} and ${said === undefined ? "no" : "a"} result`));
  });
  return promise;
}

/** A subject's last word: its figures, with what it cost. */
export function report(figures: { value: number; [more: string]: number }): void {
  const { user, system } = process.cpuUsage();
  const peakRssMib = process.resourceUsage().maxRSS / 1024;
  process.send?.({ cpuSeconds: (user + system) / 1e6, peakRssMib, ...figures });
}
