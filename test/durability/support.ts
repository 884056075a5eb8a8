// What these tests share: a world of their own, the real worker command in it, and waiting for what must come true.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { submit } from "../../src/app/submit.ts";
import type { RequestDetail, RequestState } from "../../src/domain/records.ts";
import type { SubmissionInput } from "../../src/domain/request/submission-input.ts";
import { type Arena, holds, openArena } from "../crash/arena.ts";
import { type Child, type Environment, startChild } from "../crash/processes.ts";

/** A Redis, a sandbox, a catalog and a folder for this test alone. */
export async function openWorld(env: Environment = {}): Promise<Arena> {
  const arena = await openArena({ mode: "durability", seed: 1, persistence: "aof", s3: false, env });
  onTestFinished(() => arena.close({ keep: false }));
  return arena;
}

const LAUNCHER = join(import.meta.dirname, "../../bin/asset-archiver.mjs");
const TRAPPED = join(import.meta.dirname, "../crash/worker.ts");

/** `asset-archiver worker`, ready to take jobs. */
export async function startWorkerCommand(
  arena: Arena,
  options: { name?: string; env?: Environment } = {},
): Promise<Child> {
  const log = join(arena.dir, `${options.name ?? "command"}.log`);
  const child = startChild({ args: [LAUNCHER, "worker"], cwd: arena.dir, env: { ...arena.env, ...options.env }, log });
  onTestFinished(() => void child.process.kill("SIGKILL"));
  await says(arena, "worker is ready", options.name);
  return child;
}

/** Resolves once the worker command has logged that. */
export async function says(arena: Arena, words: string | RegExp, name = "command"): Promise<void> {
  const log = join(arena.dir, `${name}.log`);
  await until(`the worker says: ${words}`, async () => (await readFile(log, "utf8")).search(words) >= 0);
}

export interface Trap {
  /** A step and how often, such as "put:2". */
  at?: string;
  signal?: "SIGKILL" | "SIGSTOP";
  lockMs?: number;
}

/** The real worker with a trap at a named step. Not waited for: it may fall into it at once. */
export function startTrapped(arena: Arena, { at, signal, lockMs }: Trap): Child {
  const options = { at, signal, "lock-ms": lockMs };
  const args = Object.entries(options).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name}`, `${value}`],
  );
  const child = startChild({
    args: [TRAPPED, ...args],
    cwd: arena.dir,
    env: arena.env,
    log: join(arena.dir, "trapped.log"),
  });
  onTestFinished(() => void child.process.kill("SIGKILL"));
  return child;
}

/** Submits one request through our own door; resolves to its id. */
export async function ask(arena: Arena, data: SubmissionInput): Promise<string> {
  return (await submit(arena.app, data)).request.request_id;
}

export async function find(arena: Arena, id: string): Promise<RequestDetail> {
  const detail = await arena.app.catalog().find(id);
  if (detail === undefined) throw new Error(`There is no request "${id}"`);
  return detail;
}

/** Resolves with the request once it is in that state. */
export async function reaches(
  arena: Arena,
  id: string,
  state: RequestState,
  deadlineMs = 30_000,
): Promise<RequestDetail> {
  await until(`${id} is ${state}`, async () => (await find(arena, id)).request.state === state, deadlineMs);
  return find(arena, id);
}

/** Waits for what must come true; throws with its name when it does not. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  deadlineMs = 30_000,
): Promise<void> {
  if (!(await holds(condition, deadlineMs))) throw new Error(`It did not come true within ${deadlineMs} ms: ${what}`);
}

/** How many calls the API is working on. */
export async function openCalls(arena: Arena): Promise<number> {
  return (await arena.sandbox.bill()).outcomes.open;
}
