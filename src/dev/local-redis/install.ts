// Looks for a Redis server program on the PATH, and installs one where that needs no question: as root, with apt.
// Nothing else on the system is touched. On any other system the person gets the ways to do it.
import { spawn } from "node:child_process";
import { access } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { ConfigError, toMessage } from "../../domain/errors.ts";

/** The programs that will do, in the order of preference. */
const SERVER_PROGRAMS = ["redis-server", "valkey-server"] as const;

const APT_TIMEOUT_MS = 300_000;

/** How long another process may hold the locks of apt and dpkg, and how often they are tried, in ms. */
const LOCK_WAIT_MS = 900_000;
const LOCK_RETRY_MS = 1_000;

/** The first server program that runs, or undefined. */
export async function findServerProgram(): Promise<string | undefined> {
  for (const program of SERVER_PROGRAMS) {
    if (await run(program, ["--version"]).then(Boolean, () => false)) return program;
  }
  return undefined;
}

/** Installs redis-server with apt and returns the program's name. Throws ConfigError `redis_missing` where it cannot. */
export async function installServerProgram(options: {
  say: (line: string) => void;
  allowInstall: boolean;
  signal?: AbortSignal;
}): Promise<string> {
  if (!options.allowInstall || process.getuid?.() !== 0 || !(await isDebian())) throw missing();
  options.say("No Redis here: installing redis-server with apt-get (as root on Debian or Ubuntu)");
  try {
    await apt(["update"], options);
    await apt(["install", "-y", "--no-install-recommends", "redis-server"], options);
  } catch (cause) {
    throw missing(cause);
  }
  const program = await findServerProgram();
  if (program === undefined) throw missing(new Error("apt-get installed no redis-server"));
  return program;
}

function isDebian(): Promise<boolean> {
  return access("/etc/debian_version").then(
    () => true,
    () => false,
  );
}

interface AptOptions {
  say: (line: string) => void;
  signal?: AbortSignal;
}

// Waits for the locks by itself: DPkg::Lock::Timeout leaves out the one of the package lists, which `update` takes first
async function apt(words: string[], { say, signal }: AptOptions): Promise<void> {
  const deadline = Date.now() + LOCK_WAIT_MS;
  for (let waiting = false; ; waiting = true) {
    try {
      return await runApt(words, signal);
    } catch (error) {
      if (!isLocked(error) || Date.now() > deadline) throw error;
      if (!waiting)
        say(`Waiting for another process to release the lock of apt (${lockHolderOf(error)}); Ctrl-C stops`);
    }
    await sleep(LOCK_RETRY_MS, undefined, signal === undefined ? {} : { signal });
  }
}

// `env` sets the variables for apt alone; the settings are the only reader of our own environment
async function runApt(words: string[], signal: AbortSignal | undefined): Promise<void> {
  const environment = ["DEBIAN_FRONTEND=noninteractive", "LC_ALL=C"];
  await run("/usr/bin/env", [...environment, "apt-get", "-q", ...words], signal);
}

function isLocked(error: unknown): boolean {
  return /Could not get lock|Unable to (lock|acquire)/.test(outputOf(error));
}

function lockHolderOf(error: unknown): string {
  return /held by (process \d+(?: \([^)]*\))?)/.exec(outputOf(error))?.[1] ?? "such as automatic updates";
}

function outputOf(error: unknown): string {
  return String((error as { output?: unknown } | null)?.output ?? "");
}

/** Resolves when the program ended well; rejects with its last line otherwise, and with the end of its output beside it. */
function run(program: string, words: string[], signal?: AbortSignal): Promise<true> {
  return new Promise((resolve, reject) => {
    let output = "";
    const child = spawn(program, words, {
      stdio: ["ignore", "pipe", "pipe"],
      // spawn's own timeout goes on after the program has ended, and keeps this process alive for all of it
      signal: AbortSignal.any([AbortSignal.timeout(APT_TIMEOUT_MS), ...(signal === undefined ? [] : [signal])]),
    });
    const keep = (chunk: Buffer) => {
      output = `${output}${chunk}`.slice(-2000);
    };
    child.stdout.on("data", keep);
    child.stderr.on("data", keep);
    child.once("error", reject);
    child.once("close", (code) => {
      if (code === 0) resolve(true);
      else {
        const message = `${[program, ...words].join(" ")} failed: ${output.trim().split("\n").at(-1)}`;
        reject(Object.assign(new Error(message), { output }));
      }
    });
  });
}

function missing(cause?: unknown): ConfigError {
  const why = cause === undefined ? "" : ` (${toMessage(cause)})`;
  return new ConfigError(
    [
      `Cannot find a Redis server${why}. Any one of these will do:`,
      "  Debian, Ubuntu   sudo apt-get install redis-server",
      "  macOS            brew install redis",
      "  Docker           docker run -d -p 6379:6379 redis:8-alpine --appendonly yes",
      "  one you have     REDIS_URL=redis://host:6379",
    ].join("\n"),
    { code: "redis_missing", cause },
  );
}
