// Jobs that are added together go to Redis together: one write to the system, and one packet, instead of one of each for
// every job.
import type { JobsOptions, Queue } from "bullmq";
import type { Redis } from "ioredis";
import { TransientError } from "../errors.ts";

/** A job as a queue takes it, by an id of ours. */
export interface NamedJob {
  name: string;
  data: object;
  opts: JobsOptions & { jobId: string };
}

/** Adds a job with those that come meanwhile; resolves when Redis has it. Throws where it did not take it. */
export type AddBundled = (job: NamedJob) => Promise<void>;

/**
 * The queue's own `connection` holds back what is written until all are. That is what `addBulk` does, too; but the
 * pipeline that it makes each time costs as much as thirty jobs, and a failing job fails all of its pipeline. `onAnswer` is
 * called whenever Redis has answered.
 */
export function createJobBundle(
  queue: Pick<Queue, "add">,
  connection: Partial<Pick<Redis, "stream">>,
  { onAnswer = () => undefined }: { onAnswer?: () => void } = {},
): AddBundled {
  let held = false;
  const hold = () => {
    held = true;
    const { stream } = connection;
    // none before the first connecting
    stream?.cork();
    // asked for by a promise, a tick comes when no promise has anything left to do: all jobs that come together are
    // written by then, and none of them has waited for what else the turn brings
    queueMicrotask(() =>
      process.nextTick(() => {
        held = false;
        stream?.uncork();
      }),
    );
  };
  return async ({ name, data, opts }) => {
    if (!held) hold();
    const job = await queue.add(name, data, opts);
    onAnswer();
    if (job.id === opts.jobId) return;
    const message = `Cannot add job "${opts.jobId}": Redis did not take it`;
    throw new TransientError(message, { code: "redis_refused_job" });
  };
}
