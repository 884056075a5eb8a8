// Starts catalog-process.ts, speaks to it line by line, and sees to it that none outlives its test.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { onTestFinished } from "vitest";

/** So long a test with several of them may take on a machine that is busy with other things. */
export const PROCESSES_MS = 180_000;

/** A child process that works on a catalog. */
export interface CatalogProcess {
  /** Says a line and resolves to what it answers. */
  ask(line: string): Promise<string>;
  /** SIGKILL, and resolves when it is gone. */
  kill(): Promise<void>;
}

/** Resolves when it has loaded everything and waits for its first line. */
export async function startCatalogProcess(file: string): Promise<CatalogProcess> {
  const child = spawn(process.execPath, [join(import.meta.dirname, "catalog-process.ts"), file], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const next = readLines(child);
  if ((await next()) !== "ready") throw new Error("The process did not become ready");
  return {
    ask: (line) => {
      child.stdin?.write(`${line}\n`);
      return next();
    },
    kill: async () => {
      const gone = once(child, "exit");
      child.kill("SIGKILL");
      await gone;
    },
  };
}

function readLines(child: ChildProcess): () => Promise<string> {
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream })[Symbol.asyncIterator]();
  return async () => {
    const { value, done } = await lines.next();
    return done ? "(gone)" : (value as string);
  };
}
