// What the queues hold: jobs by state, and whose hands the active ones are in.
import type { Queue } from "bullmq";
import type { Redis } from "ioredis";

/** Jobs of a queue by state. */
export interface QueueCounts {
  waiting: number;
  active: number;
  delayed: number;
  failed: number;
}

/** Jobs in hand, by the id of the worker that holds them. */
export interface HeldJobs {
  generate: ReadonlyMap<string, number>;
  archive: ReadonlyMap<string, number>;
}

/** Counts one queue. BullMQ keeps waiting jobs in two places, by whether they have a priority: to everybody else they wait. */
export async function countJobs(queue: Queue): Promise<QueueCounts> {
  const counts = await queue.getJobCounts("waiting", "prioritized", "active", "delayed", "failed");
  const { waiting = 0, prioritized = 0, active = 0, delayed = 0, failed = 0 } = counts;
  return { waiting: waiting + prioritized, active, delayed, failed };
}

/** Reads the owners of all active jobs. There are at most as many as the workers take at the same time. */
export async function listHeld(
  { generate, archive }: { generate: Queue; archive: Queue },
  redis: Redis,
): Promise<HeldJobs> {
  const [generating, archiving] = await Promise.all([countOwners(generate, redis), countOwners(archive, redis)]);
  return { generate: generating, archive: archiving };
}

/** BullMQ's field of a job's hash that holds the name of the worker that took it (`Job.processedBy`). */
const OWNER_FIELD = "pb";

async function countOwners(queue: Queue, redis: Redis): Promise<Map<string, number>> {
  const ids = (await queue.getRanges(["active"], 0, -1)).filter((id) => id !== undefined);
  const owners = await Promise.all(ids.map((id) => redis.hget(queue.toKey(id), OWNER_FIELD)));
  const counts = new Map<string, number>();
  for (const owner of owners) if (owner !== null) counts.set(owner, (counts.get(owner) ?? 0) + 1);
  return counts;
}
