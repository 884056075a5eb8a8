// Many jobs at once: those of a batch go into the queue in chunks, and leave it when the batch is cancelled.
import type { Queue } from "bullmq";
import { TransientError } from "../errors.ts";
import { toJobId } from "../request/request-id.ts";
import { inTime, openBulkConnection, reached } from "./connection.ts";
import { archiveJobId, createQueue, GENERATE_QUEUE, type Queues, toGenerateJob } from "./queues.ts";
import { reconcile, type Unfinished } from "./reconcile.ts";

/** A request that was recorded just now. */
type Recorded = { request_id: string; batch_id: string };

/** The way of a batch's jobs into queue "generate". Whoever opened it closes it. */
export interface BatchQueue {
  /** Adds jobs; one that is there already is left alone. Throws TransientError where Redis did not take them all. */
  add(requests: readonly Recorded[]): Promise<void>;
  close(): Promise<void>;
}

/** Opens it, on a connection of its own. Fails within seconds where Redis is away. */
export async function openBatchQueue({ redisUrl, prefix }: { redisUrl: string; prefix: string }): Promise<BatchQueue> {
  const connection = await openBulkConnection(redisUrl);
  const queue = createQueue(GENERATE_QUEUE, { connection, prefix });
  return {
    add: (requests) => addBatchJobs(queue, requests, redisUrl),
    close: async () => {
      await queue.close();
      connection.disconnect();
    },
  };
}

/** What is sent together: fewer than BullMQ carries well, but what a job needs meanwhile soon outweighs all else in the heap. */
const TOGETHER = 250;

/** Adds the jobs of requests that were recorded just now. Throws TransientError where Redis did not take them all. */
export async function addBatchJobs(
  generate: Pick<Queue, "addBulk">,
  requests: readonly Recorded[],
  redisUrl: string,
): Promise<void> {
  const missing: string[] = [];
  for (let from = 0; from < requests.length; from += TOGETHER) {
    const jobs = requests.slice(from, from + TOGETHER).map(toGenerateJob);
    const added = await reached(redisUrl, () => inTime(generate.addBulk(jobs)));
    // addBulk says nothing of its own when a script fails
    for (const [index, { opts }] of jobs.entries()) if (added[index]?.id !== opts.jobId) missing.push(opts.jobId);
  }
  if (missing.length === 0) return;
  throw new TransientError(
    `Cannot enqueue ${missing.length} of ${requests.length} jobs: Redis did not take them; they are recorded`,
    { code: "redis_refused_job" },
  );
}

/** Puts requests back whose old jobs may still be there, finished; one whose job is alive is left alone. */
export function putBackJobs(queues: Queues, requests: readonly Unfinished[], redisUrl: string): Promise<number> {
  return reached(redisUrl, () => reconcile(queues, requests));
}

/** Removes the jobs of these requests; one that is being worked on stays. */
export async function removeBatchJobs(queues: Queues, requestIds: readonly string[], redisUrl: string): Promise<void> {
  await reached(redisUrl, async () => {
    // remove() says 0 for a job that a worker holds
    await Promise.all(requestIds.map((id) => queues.generate.remove(toJobId(id))));
  });
}

/** Removes what is left of the jobs that wrote how requests ended: those that are tried again will end again. */
export async function forgetEndJobs(
  queues: Queues,
  requests: readonly { request_id: string }[],
  redisUrl: string,
): Promise<void> {
  await reached(redisUrl, async () => {
    await Promise.all(requests.map(({ request_id }) => queues.archive.remove(archiveJobId(request_id, "end"))));
  });
}
