// Many jobs at once: those of a batch go into the queue in chunks, and leave it when the batch is cancelled.
import { closeAll } from "../domain/close-all.ts";
import { ConfigError, TransientError } from "../domain/errors.ts";
import { toJobId } from "../domain/request/request-id.ts";
import { archiveJobId } from "./archive-jobs.ts";
import { openProducerConnection, reached, toRedisError } from "./connection.ts";
import { toGenerateJob } from "./generate-jobs.ts";
import { createJobBundle } from "./job-bundle.ts";
import { createQueue, GENERATE_QUEUE, type Queues } from "./queues.ts";
import { reconcile, type Unfinished } from "./reconcile.ts";

/** A request that was recorded just now. */
type Recorded = { request_id: string; batch_id: string };

/** The way of a batch's jobs into queue "generate". Whoever opened it closes it. */
export interface BatchQueue {
  /** Adds jobs; one that is there already is left alone. Throws TransientError where Redis did not take them all. */
  add(requests: readonly Recorded[]): Promise<void>;
  close(): Promise<void>;
}

/** What is sent together; fewer would wait for answers more often, and of more the garbage collector would have to copy. */
const TOGETHER = 250;

/**
 * Opens it, on a connection of its own. Fails within seconds where Redis is away. Not by `addBulk`: each pipeline of ioredis
 * defines a property of its own, by which V8 keeps it with all its commands until the heap is collected as a whole.
 */
export async function openBatchQueue({ redisUrl, prefix }: { redisUrl: string; prefix: string }): Promise<BatchQueue> {
  const connection = await openProducerConnection(redisUrl);
  const queue = createQueue(GENERATE_QUEUE, { connection, prefix });
  const addBundled = createJobBundle(queue, connection);
  return {
    add: async (requests) => {
      for (let from = 0; from < requests.length; from += TOGETHER) {
        const jobs = requests.slice(from, from + TOGETHER).map(toGenerateJob);
        const ends = await Promise.allSettled(jobs.map(addBundled));
        const failures = ends.flatMap((end) => (end.status === "rejected" ? [end.reason as unknown] : []));
        if (failures.length > 0) throw toRefusal(failures, { sent: jobs.length, redisUrl });
      }
    },
    close: () => closeAll([() => queue.close(), () => connection.disconnect()]),
  };
}

interface Refusal {
  /** How many jobs were sent together. */
  sent: number;
  redisUrl: string;
}

// that nobody can be reached is another matter than an answer that says no
function toRefusal(failures: readonly unknown[], { sent, redisUrl }: Refusal): Error {
  const [first] = failures;
  const error = toRedisError(first, redisUrl);
  const isAnswer = first instanceof Error && (first.name === "ReplyError" || first instanceof TransientError);
  if (error instanceof ConfigError || !isAnswer) return error;
  return new TransientError(
    `Cannot enqueue ${failures.length} of ${sent} jobs: Redis did not take all of them (${first.message}); they are recorded`,
    { code: "redis_refused_job", cause: first },
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
