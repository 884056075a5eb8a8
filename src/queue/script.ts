// How Lua scripts run: by their digests, since the text of a script, which Redis keeps, would be sent and hashed anew each time.
import { createHash } from "node:crypto";
import type { Redis } from "ioredis";
import { toMessage } from "../domain/errors.ts";

/** A script with what it is given. */
export interface ScriptCall {
  script: string;
  keys: readonly ScriptArgument[];
  args: readonly ScriptArgument[];
}

export type ScriptArgument = string | number | Buffer;

/** Runs a script; resolves to what it returns. */
export async function runScript(redis: Redis, { script, keys, args }: ScriptCall): Promise<unknown> {
  try {
    return await redis.evalsha(digestOf(script), keys.length, ...keys, ...args);
  } catch (error) {
    // a Redis that was started anew has forgotten it
    if (!toMessage(error).startsWith("NOSCRIPT")) throw error;
    return redis.eval(script, keys.length, ...keys, ...args);
  }
}

const digests = new Map<string, string>();

function digestOf(script: string): string {
  const digest = digests.get(script) ?? createHash("sha1").update(script).digest("hex");
  digests.set(script, digest);
  return digest;
}
