// Child processes of the crash test: started, watched, killed. None outlives us in good order; logs go to files.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { openSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";

export type Environment = Record<string, string>;

export interface Child {
  process: ChildProcess;
  /** Its first line on stdout; rejects when it ends without one. */
  ready: Promise<string>;
  /** Resolves with exit code or signal. */
  ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
}

export interface ChildOptions {
  args: readonly string[];
  cwd: string;
  env: Environment;
  log: string;
}

/** Starts a script of ours on this very Node. Its stderr is appended to `log`. */
export function startChild({ args, cwd, env, log }: ChildOptions): Child {
  const child = spawn(process.execPath, args, {
    cwd,
    env: { ...env, PATH: process.env.PATH ?? "", NODE_NO_WARNINGS: "1" },
    stdio: ["ignore", "pipe", openSync(log, "a"), "ipc"],
  });
  const ended = once(child, "exit").then(([code, signal]) => ({
    code: code as number | null,
    signal: signal as NodeJS.Signals | null,
  }));
  const ready = firstLine(child);
  // whoever waits hears of it; whoever does not must not be ended by it
  ready.catch(() => undefined);
  return { process: child, ready, ended };
}

async function firstLine(child: ChildProcess): Promise<string> {
  if (child.stdout === null) throw new Error("Bug: a child without stdout");
  for await (const line of createInterface({ input: child.stdout })) return line;
  throw new Error("The process ended before it was ready");
}

export interface WorkerPlace {
  dir: string;
  env: Environment;
}

/** The test's own entry to the worker, with a kill point such as "put:2". */
export function startWorkerProcess(place: WorkerPlace, options: { at?: string; name: string }): Child {
  const at = options.at === undefined ? [] : ["--at", options.at];
  return startChild({
    args: [join(import.meta.dirname, "worker.ts"), ...at],
    cwd: place.dir,
    env: place.env,
    log: join(place.dir, `${options.name}.log`),
  });
}

/** Workers that are started again whenever they die, as a supervisor would. */
export interface Fleet {
  /** Resolves when that one takes jobs, or has died before it did. */
  ready(slot: number): Promise<unknown>;
  /** SIGKILL for one of them; resolves when it is dead. The next life begins by itself. */
  kill(slot: number): Promise<void>;
  readonly kills: number;
  /** SIGTERM for all, and no next life. */
  stop(): Promise<void>;
}

/** After a failed start (a Redis that is down) the next try comes this much later, in ms. */
const RESTART_PAUSE_MS = 200;

/** Starts `size` workers. Resolves when all of them take jobs. */
export async function startFleet(place: WorkerPlace, size: number): Promise<Fleet> {
  const slots = Array.from({ length: size }, (_, slot) => ({
    name: `worker-${slot}`,
    child: undefined as Child | undefined,
  }));
  let stopping = false;
  let kills = 0;
  const lives = slots.map(async (slot) => {
    while (!stopping) {
      slot.child = startWorkerProcess(place, { name: slot.name });
      const { signal } = await slot.child.ended;
      if (signal !== "SIGKILL") await new Promise((resolve) => setTimeout(resolve, RESTART_PAUSE_MS));
    }
  });
  await Promise.all(slots.map((slot) => slot.child?.ready));
  return {
    get kills() {
      return kills;
    },
    ready: async (number) => slots[number]?.child?.ready.catch(() => undefined),
    kill: async (number) => {
      const child = slots[number]?.child;
      if (child?.process.kill("SIGKILL") !== true) return;
      await child.ended;
      kills += 1;
    },
    stop: async () => {
      stopping = true;
      for (const slot of slots) slot.child?.process.kill("SIGTERM");
      await Promise.all(lives);
    },
  };
}
