// Jobs that are added together go to Redis together.
import { Job, type JobsOptions, type Queue } from "bullmq";
import type { Redis } from "ioredis";
import { TransientError } from "../domain/errors.ts";
import { createScriptBundle } from "./script-bundle.ts";

/** A job as a queue takes it, by an id of ours. */
export interface NamedJob {
  name: string;
  data: object;
  opts: JobsOptions & { jobId: string };
}

/** Adds a job with those that come meanwhile; resolves when Redis has it. Throws where it did not take it. */
export type AddBundled = (job: NamedJob) => Promise<void>;

/**
 * On the queue's own `connection`. By one call of BullMQ's script for all jobs: `addBulk` calls it once for each, and the
 * pipeline that it makes each time costs as much as thirty jobs. `onAnswer` is called whenever Redis has answered.
 */
export function createJobBundle(
  queue: Queue,
  connection: Redis,
  { onAnswer = () => undefined }: { onAnswer?: () => void } = {},
): AddBundled {
  // of a client BullMQ wants no more than to run a script when it adds a job
  const client = createScriptBundle(connection, { onAnswer }) as unknown as Parameters<Job["addJob"]>[0];
  let isReady = false;
  return async ({ name, data, opts }) => {
    if (!isReady) {
      // the scripts are defined by then
      await queue.waitUntilReady();
      isReady = true;
    }
    const id = await new Job(queue, name, data, opts, opts.jobId).addJob(client);
    if (id === opts.jobId) return;
    const message = `Cannot add job "${opts.jobId}": Redis did not take it`;
    throw new TransientError(message, { code: "redis_refused_job" });
  };
}
