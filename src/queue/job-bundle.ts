// Jobs that are added within one turn of the event loop go to Redis together: one pipeline, instead of a round trip and a
// write to the system for each.
import type { JobsOptions, Queue } from "bullmq";
import { TransientError } from "../errors.ts";

/** A job as a queue takes it, by an id of ours. */
export interface BundledJob {
  name: string;
  data: object;
  opts: JobsOptions & { jobId: string };
}

/** Adds a job with those that come meanwhile; resolves when Redis has it. Throws where it did not take it. */
export type AddBundled = (job: BundledJob) => Promise<void>;

/** BullMQ's own advice: what is longer holds up the event loop. */
const BUNDLE_LIMIT = 500;

interface Waiting extends PromiseWithResolvers<void> {
  job: BundledJob;
}

export function createJobBundle(queue: Pick<Queue, "addBulk">): AddBundled {
  let waiting: Waiting[] = [];
  const send = () => {
    const all = waiting;
    waiting = [];
    for (let from = 0; from < all.length; from += BUNDLE_LIMIT)
      void addAll(queue, all.slice(from, from + BUNDLE_LIMIT));
  };
  return (job) => {
    const one = { ...Promise.withResolvers<void>(), job };
    waiting.push(one);
    if (waiting.length === 1) setImmediate(send);
    return one.promise;
  };
}

async function addAll(queue: Pick<Queue, "addBulk">, bundle: readonly Waiting[]): Promise<void> {
  try {
    const added = await queue.addBulk(bundle.map(({ job }) => job));
    for (const [index, { job, resolve, reject }] of bundle.entries()) {
      // a script that fails says so by its answer alone
      if (added[index]?.id === job.opts.jobId) resolve();
      else reject(notTaken(job));
    }
  } catch (error) {
    for (const { reject } of bundle) reject(error);
  }
}

function notTaken(job: BundledJob): TransientError {
  return new TransientError(`Cannot add job "${job.opts.jobId}": Redis did not take it`, { code: "redis_refused_job" });
}
