// Jobs that nobody can read: BullMQ parses data and options before a processor sees them, and one that is no JSON goes round
// between active and stalled for ever. Here it becomes readable, so that it fails like any other data that does not fit.
import { Job, Queue } from "bullmq";
import type { Redis } from "ioredis";

/** What stands in a job's hash as JSON, and how it is made JSON: what was there is kept as a text. */
const PARTS = { data: (text: string) => JSON.stringify(text), opts: () => "{}" } as const;

/** Replaces a field only as long as it still is what was read. */
const REPLACE_SCRIPT = `
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
return 1`;

export interface RepairJobsOptions {
  name: string;
  prefix: string;
  redis: Redis;
}

/** Makes the active jobs of a queue readable and hands them out again; returns how many could not be read. */
export async function repairMalformedJobs({ name, prefix, redis }: RepairJobsOptions): Promise<number> {
  const queue = new Queue(name, { connection: redis, prefix, skipVersionCheck: true, skipMetasUpdate: true });
  queue.on("error", () => undefined);
  try {
    const ids = (await queue.getRanges(["active"], 0, -1)).filter((id) => id !== undefined);
    const mended = await Promise.all(ids.map((id) => mend(queue, redis, id)));
    return mended.filter(Boolean).length;
  } finally {
    await queue.close();
  }
}

async function mend(queue: Queue, redis: Redis, id: string): Promise<boolean> {
  const key = queue.toKey(id);
  const token = await redis.get(`${key}:lock`);
  let mended = 0;
  for (const [field, toJson] of Object.entries(PARTS)) {
    // as bytes: decoded, what is not UTF-8 would never be equal to what stands there, and go round for ever
    const bytes = await redis.hgetBuffer(key, field);
    if (bytes === null || isJson(bytes.toString())) continue;
    mended += Number(await redis.eval(REPLACE_SCRIPT, 1, key, field, bytes, toJson(bytes.toString())));
  }
  if (mended === 0) return false;
  await handOut(queue, { id, token });
  return true;
}

// whoever took it has dropped it, but its lock still stands: without this it would lie until that has run out
async function handOut(queue: Queue, { id, token }: { id: string; token: string | null }): Promise<void> {
  if (token === null) return;
  const job = await Job.fromId(queue, id);
  await job?.moveToWait(token).catch((error: unknown) => {
    // a script's own refusal: the lock is gone or another one's, and the job goes on without us
    if (typeof (error as { code?: unknown }).code !== "number") throw error;
  });
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
