// Processes of the bench: started with a clean environment, heard by message, and clear about how they failed.
import { type ChildProcess, fork } from "node:child_process";
import { join } from "node:path";

export interface Child {
  name: string;
  pid: number;
  process: ChildProcess;
  /** The last of what it wrote to stderr. */
  lastWords(): string;
}

const KEPT_CHARACTERS = 2_000;

/** Starts a TypeScript file of this folder. */
export function start(
  file: string,
  { env = {}, cwd, execArgv }: { env?: Record<string, string>; cwd: string; execArgv?: string[] },
): Child {
  const child = fork(join(import.meta.dirname, file), {
    cwd,
    env: { ...cleanEnvironment(), ...env },
    ...(execArgv === undefined ? {} : { execArgv }),
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
  let words = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    words = (words + text).slice(-KEPT_CHARACTERS);
  });
  return { name: file, pid: child.pid ?? 0, process: child, lastWords: () => words.trim() };
}

/** The first thing it says; rejects with its last words where it ends without having said any. */
export function firstMessage(child: Child): Promise<unknown> {
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  child.process.once("message", resolve);
  child.process.once("error", reject);
  // "close" comes after stderr has been read to its end
  child.process.once("close", (code, signal) => reject(endedBadly(child, { code, signal, said: false })));
  return promise;
}

/** What it said, once it has ended well; rejects with its last words where it ends otherwise, or without a result. */
export function finish(child: Child): Promise<unknown> {
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  let said: unknown;
  child.process.once("message", (message) => {
    said = message;
  });
  child.process.once("error", reject);
  child.process.once("close", (code, signal) => {
    if (code === 0 && said !== undefined) resolve(said);
    else reject(endedBadly(child, { code, signal, said: said !== undefined }));
  });
  return promise;
}

/** The caller's own settings must not steer a measurement. */
export function cleanEnvironment(): Record<string, string> {
  const { PATH = "", HOME = "", TMPDIR = "" } = process.env;
  return { PATH, HOME, ...(TMPDIR === "" ? {} : { TMPDIR }) };
}

function endedBadly(child: Child, how: { code: number | null; signal: string | null; said: boolean }): Error {
  const end = how.signal === null ? `exit code ${how.code}` : how.signal;
  const words = child.lastWords();
  return new Error(
    `${child.name} ended with ${end} ${how.said ? "after" : "before"} it told a result${words === "" ? "" : `:\n${words}`}`,
  );
}
