// What a person at the command line hears while Redis is away: promptly, in plain words, with the right exit code.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import type { Arena } from "./arena.ts";

const PROMPT_MS = 20_000;

/** Runs the real `enqueue`; resolves to what was wrong with its answer, or undefined. */
export async function askTheDoor(arena: Arena): Promise<string | undefined> {
  const begun = Date.now();
  const launcher = join(import.meta.dirname, "../../bin/asset-archiver.mjs");
  const child = spawn(process.execPath, [launcher, "enqueue", "a fox at a closed door", "--json"], {
    cwd: arena.dir,
    env: { ...arena.env, PATH: process.env.PATH },
    stdio: ["ignore", "ignore", "pipe"],
  });
  const [said, [code]] = await Promise.all([text(child.stderr), once(child, "exit")]);
  const tookMs = Date.now() - begun;
  if (code === 1 && said.includes("redis_unreachable") && tookMs < PROMPT_MS) return undefined;
  return `enqueue without Redis ended with ${code} after ${tookMs} ms and said: ${said.trim()}`;
}
