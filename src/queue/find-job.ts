// Where a job is, and when it is looked at next.
import type { Queue } from "bullmq";
import type { Redis } from "ioredis";

/** A job that is there. */
export interface FoundJob {
  state: string;
  /** ms since 1970; null where it does not wait for a time. */
  nextTryAt: number | null;
}

/** BullMQ's score of a delayed job: the time in ms, and twelve bits that keep the order of those of the same time. */
const TIME_SHIFT = 0x1000;

/** The first of these ids that is in the queue and will run; undefined where none is. */
export async function findJob(queue: Queue, redis: Redis, jobIds: readonly string[]): Promise<FoundJob | undefined> {
  for (const jobId of new Set(jobIds)) {
    const state = await queue.getJobState(jobId);
    if (state === "unknown" || state === "completed" || state === "failed") continue;
    const score = state === "delayed" ? await redis.zscore(queue.toKey("delayed"), jobId) : null;
    return { state, nextTryAt: score === null ? null : Math.floor(Number(score) / TIME_SHIFT) };
  }
  return undefined;
}
