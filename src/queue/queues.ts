// The queues: their names, and how they are opened on a connection. What lies in them stands with the jobs of each.
import { Queue } from "bullmq";
import type { Redis } from "ioredis";
import { closeTogether } from "../domain/close-all.ts";
import { reached } from "./connection.ts";
import { countJobs, type HeldJobs, listHeld, type QueueCounts } from "./counts.ts";
import { type FoundJob, findJob } from "./find-job.ts";
import { createInstallationKey, type InstallationKey } from "./installation-key.ts";
import { type AddBundled, createJobBundle } from "./job-bundle.ts";
import { reclaimJobs } from "./reclaim-jobs.ts";
import { createRedisHealth } from "./redis-health.ts";

export const GENERATE_QUEUE = "generate";
export const ARCHIVE_QUEUE = "archive";
export const WEBHOOK_QUEUE = "webhook";
export const SCHEDULE_QUEUE = "schedule";

export interface QueueOptions {
  connection: Redis;
  redisUrl: string;
  prefix: string;
}

export interface Queues {
  generate: Queue;
  archive: Queue;
  webhook: Queue;
  schedule: Queue;
  /** Adds a job of queue "generate" together with all others that come within the same turn of the event loop. */
  addGenerate: AddBundled;
  /** Which installation the queues belong to. */
  installation: InstallationKey;
  /** Fails within seconds when Redis is away. */
  ping(): Promise<void>;
  /** Calls back whenever Redis is there again after it was away: it may have forgotten something. */
  onReturn(listener: () => void): void;
  /** How many jobs each of the two stages holds. */
  counts(): Promise<{ generate: QueueCounts; archive: QueueCounts }>;
  /** Which jobs are in hand, and whose they are. */
  listHeld(): Promise<HeldJobs>;
  /** The first of these jobs that is in a stage's queue and will run; undefined where none is. */
  findJob(stage: "generate" | "archive", ...jobIds: string[]): Promise<FoundJob | undefined>;
  /** Removes waiting jobs of queue "generate"; one that is being worked on stays. */
  removeGenerate(jobIds: readonly string[]): Promise<void>;
  /** Puts back the jobs that dead workers hold; returns how many. */
  reclaimJobs(isDead: (workerId: string) => boolean): Promise<number>;
  close(): Promise<void>;
}

/** The queues on a connection that somebody else opened and closes. */
export function createQueues({ connection, redisUrl, prefix }: QueueOptions): Queues {
  const generate = createQueue(GENERATE_QUEUE, { connection, prefix });
  const archive = createQueue(ARCHIVE_QUEUE, { connection, prefix });
  const webhook = createQueue(WEBHOOK_QUEUE, { connection, prefix });
  const schedule = createQueue(SCHEDULE_QUEUE, { connection, prefix });
  const all = [generate, archive, webhook, schedule];
  const pulse = createRedisHealth(connection);
  return {
    generate,
    archive,
    webhook,
    schedule,
    addGenerate: createJobBundle(generate, connection, { onAnswer: pulse.recordReply }),
    installation: createInstallationKey(connection, prefix),
    ping: () => (pulse.isRecent() ? AT_ONCE : reached(redisUrl, pulse.ping)),
    onReturn: (listener) => void connection.on("ready", listener),
    counts: () =>
      reached(redisUrl, async () => {
        const [generated, archived] = await Promise.all([countJobs(generate), countJobs(archive)]);
        return { generate: generated, archive: archived };
      }),
    listHeld: () => reached(redisUrl, () => listHeld({ generate, archive }, connection)),
    findJob: (stage, ...jobIds) =>
      reached(redisUrl, () => findJob(stage === "generate" ? generate : archive, connection, jobIds)),
    removeGenerate: (jobIds) =>
      reached(redisUrl, async () => void (await Promise.all(jobIds.map((jobId) => generate.remove(jobId))))),
    reclaimJobs: (isDead) =>
      reached(redisUrl, async () => {
        const taken = await Promise.all(all.map((queue) => reclaimJobs(queue, { redis: connection, isDead })));
        return taken.reduce((sum, moved) => sum + moved, 0);
      }),
    close: () => closeTogether(all.map((queue) => () => queue.close())),
  };
}

const AT_ONCE = Promise.resolve();

/** One queue on such a connection. How long its finished jobs are kept is said by the workers, not with each job. */
export function createQueue(name: string, options: Pick<QueueOptions, "connection" | "prefix">): Queue {
  const queue = new Queue(name, { ...options, skipVersionCheck: true });
  // a connection's errors are reported where it was opened; unheard they would end the process
  queue.on("error", () => undefined);
  return queue;
}
