// Jobs in the hands of a dead worker go back to the queue at once, instead of when their locks have run out (half a minute).
// Only what is provably dead is touched: the caller knows who that is, and the lock itself decides any race.
import { Job, type Queue } from "bullmq";
import type { Redis } from "ioredis";

/** Puts back the active jobs whose worker `isDead`; returns how many. `Job.processedBy` holds the worker's id. */
export async function reclaimJobs(
  queue: Queue,
  { redis, isDead }: { redis: Redis; isDead: (workerId: string) => boolean },
): Promise<number> {
  const ids = (await queue.getRanges(["active"], 0, -1)).filter((id) => id !== undefined);
  if (ids.length === 0) return 0;
  // The tokens come first: whoever holds a job when its record is read held it already, or has another token by then.
  const tokens = await redis.mget(ids.map((id) => `${queue.toKey(id)}:lock`));
  const moved = await Promise.all(ids.map((id, index) => putBack(queue, { id, token: tokens[index] ?? null, isDead })));
  return moved.filter(Boolean).length;
}

interface Held {
  id: string;
  token: string | null;
  isDead(workerId: string): boolean;
}

async function putBack(queue: Queue, { id, token, isDead }: Held): Promise<boolean> {
  // a lock that has run out is the stalled check's business
  if (token === null) return false;
  const job = await Job.fromId(queue, id);
  if (job?.processedBy === undefined || !isDead(job.processedBy)) return false;
  try {
    await job.moveToWait(token);
    return true;
  } catch (error) {
    // a script's own refusal: somebody else has been faster, and the lock is another one now, or gone
    if (typeof (error as { code?: unknown }).code === "number") return false;
    throw error;
  }
}
