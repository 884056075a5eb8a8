// Calls of one Lua script that come together, made one: Redis reads, checks and logs one command instead of fifty, and we
// write and hear of one. Knows nothing of what the scripts do.
import type { Redis } from "ioredis";
import { runScript, type ScriptArgument } from "./script.ts";

/** Takes calls of the scripts that are defined on a connection, as BullMQ makes them. */
export interface ScriptBundle {
  /** Calls the script of that name with those that come meanwhile; resolves to what it returns for this call. */
  runCommand(name: string, args: readonly ScriptArgument[]): Promise<unknown>;
}

interface Call {
  args: readonly ScriptArgument[];
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

/** So many calls are made at once at most: no one else is served by Redis while they run, for some ms. */
const TOGETHER = 250;

/**
 * All calls of one script must have the same keys, and the same number of arguments, at least one. Where Redis itself
 * fails, for want of memory say, all of them fail, and some may have been carried out. `onAnswer` is called whenever Redis
 * has answered.
 */
export function createScriptBundle(redis: Redis, { onAnswer }: { onAnswer: () => void }): ScriptBundle {
  let gathered = new Map<string, Call[]>();

  function send(): void {
    const all = gathered;
    gathered = new Map();
    for (const [name, calls] of all) {
      for (let from = 0; from < calls.length; from += TOGETHER) void run(name, calls.slice(from, from + TOGETHER));
    }
  }

  async function run(name: string, calls: readonly Call[]): Promise<void> {
    try {
      const ends = (await runScript(redis, toOne(definitionOf(redis, name), calls))) as unknown[];
      onAnswer();
      for (const [place, { resolve }] of calls.entries()) resolve(ends[place]);
    } catch (error) {
      for (const { reject } of calls) reject(error);
    }
  }

  return {
    runCommand: (name, args) => {
      // asked for by a promise, a tick comes when no promise has anything left to do: all calls that come together have
      // been made by then, and none of them has waited for what else the turn brings
      if (gathered.size === 0) queueMicrotask(() => process.nextTick(send));
      const { promise, resolve, reject } = Promise.withResolvers<unknown>();
      const calls = gathered.get(name);
      if (calls === undefined) gathered.set(name, [{ args, resolve, reject }]);
      else calls.push({ args, resolve, reject });
      return promise;
    },
  };
}

interface Definition {
  lua: string;
  numberOfKeys: number;
}

function definitionOf(redis: Redis, name: string): Definition {
  const definition = (redis.scriptsSet as Readonly<Record<string, Definition>>)[name];
  if (definition === undefined) throw new Error(`Bug: no script "${name}" is defined on the connection`);
  return definition;
}

function toOne({ lua, numberOfKeys }: Definition, calls: readonly Call[]): Parameters<typeof runScript>[1] {
  const each = calls.map(({ args }) => args.slice(numberOfKeys));
  return {
    script: toBundled(lua),
    keys: calls[0]?.args.slice(0, numberOfKeys) ?? [],
    args: [each[0]?.length ?? 0, ...each.flat()],
  };
}

const bundled = new Map<string, string>();

function toBundled(lua: string): string {
  const known = bundled.get(lua);
  if (known !== undefined) return known;
  const script = `local function call(KEYS, ARGV)
${lua}
end
local width = tonumber(ARGV[1])
local ends, count = {}, 0
for first = 2, #ARGV, width do
  local own = {}
  for place = 1, width do own[place] = ARGV[first + place - 1] end
  count = count + 1
  ends[count] = call(KEYS, own) or false
end
return ends`;
  bundled.set(lua, script);
  return script;
}
