// The real command in processes of its own: each test has its own folder, queue prefix and environment.
import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { inject, vi } from "vitest";

/** The real command. */
export const PROGRAM = join(import.meta.dirname, "../../bin/asset-archiver.mjs");

// dozens of processes that start on a machine which runs other tests, too: deadlines are for hangs, not for slowness
vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

export type Environment = Record<string, string>;

/** How a command ended. */
export interface Ended {
  code: number | null;
  out: string;
  err: string;
}

/** A command that is still running. */
export interface Running {
  child: ChildProcess;
  /** The first line of either stream that fits; rejects when the command ends before it. */
  line(pattern: RegExp): Promise<string>;
  end(signal?: NodeJS.Signals): Promise<Ended>;
}

/** A place to run commands in. */
export interface Place {
  folder: string;
  env: Environment;
  run(args: string[], options?: { input?: string | Buffer; env?: Environment }): Promise<Ended>;
  start(args: string[], options?: { env?: Environment }): Running;
  /** Kills what still runs and removes the folder. */
  close(): Promise<void>;
}

/** A fresh folder with settings that point into it and to the Redis of the test run. */
export async function openPlace(settings: Environment = {}): Promise<Place> {
  const folder = await mkdtemp(join(tmpdir(), "archiver-cli-"));
  const children = new Set<ChildProcess>();
  const env = {
    PATH: process.env.PATH ?? "",
    REDIS_URL: inject("redisUrl"),
    QUEUE_PREFIX: `{cli-${randomUUID()}}`,
    CATALOG_URL: "file:./catalog.db",
    STORAGE_URL: "file:./archive",
    ...settings,
  };
  const launch = (args: string[], extra: Environment = {}) => {
    const child = spawn(process.execPath, [PROGRAM, ...args], { cwd: folder, env: { ...env, ...extra } });
    children.add(child);
    child.once("exit", () => children.delete(child));
    return child;
  };
  return {
    folder,
    env,
    run: async (args, options = {}) => {
      const child = launch(args, options.env);
      child.stdin.end(options.input ?? "");
      return ended(child, [text(child.stdout), text(child.stderr)]);
    },
    start: (args, options = {}) => watch(launch(args, options.env)),
    close: async () => {
      await Promise.all([...children].map((child) => child.kill("SIGKILL") && once(child, "exit")));
      await rm(folder, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}

async function ended(child: ChildProcess, streams: [Promise<string>, Promise<string>]): Promise<Ended> {
  const closed = once(child, "close");
  const [out, err] = await Promise.all(streams);
  const [code] = (await closed) as [number | null];
  return { code, out, err };
}

function watch(child: ChildProcess): Running {
  const seen = { out: "", err: "" };
  child.stdout?.setEncoding("utf8").on("data", (chunk: string) => {
    seen.out += chunk;
    child.emit("seen");
  });
  child.stderr?.setEncoding("utf8").on("data", (chunk: string) => {
    seen.err += chunk;
    child.emit("seen");
  });
  const closed = once(child, "close") as Promise<[number | null]>;
  const find = (pattern: RegExp) =>
    [...seen.out.split("\n"), ...seen.err.split("\n")].find((line) => pattern.test(line));
  return {
    child,
    line: (pattern) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const line = find(pattern);
          if (line === undefined) return;
          child.off("seen", look);
          resolve(line);
        };
        child.on("seen", look);
        closed.then(([code]) => reject(new Error(`ended with ${code} before ${pattern}:\n${seen.out}${seen.err}`)));
        look();
      }),
    end: async (signal = "SIGTERM") => {
      child.kill(signal);
      const [code] = await closed;
      return { code, ...seen };
    },
  };
}

/** A sandbox process with these flags, and the settings that its callers need. */
export async function startSandbox(place: Place, flags: string[] = []): Promise<Running & { settings: Environment }> {
  const sandbox = place.start(["sandbox", "--port", "0", "--json", ...flags]);
  const { settings } = JSON.parse(await sandbox.line(/^\{/)) as { settings: Environment };
  return { ...sandbox, settings };
}

/** A worker process that takes jobs. */
export async function startWorker(place: Place, env: Environment): Promise<Running> {
  const worker = place.start(["worker"], { env });
  await worker.line(/worker is ready/);
  return worker;
}

/** What a terminal would take as a command: colours, cursor moves. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: it is what is looked for
export const ESCAPE = /\u001b/;
