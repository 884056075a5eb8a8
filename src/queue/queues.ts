// The queues: their names, the options of their jobs, and how jobs get into them.
import { setImmediate } from "node:timers/promises";
import { Queue } from "bullmq";
import type { Redis } from "ioredis";
import { toMessage } from "../errors.ts";
import type { ArchivePurpose, ArchiveQueue } from "../pipeline/ports.ts";
import { toJobId } from "../request/request-id.ts";
import { reached } from "./connection.ts";
import { type AddBundled, createJobBundle, type NamedJob } from "./job-bundle.ts";
import { takeOver } from "./take-over.ts";

export const GENERATE_QUEUE = "generate";
export const ARCHIVE_QUEUE = "archive";
export const WEBHOOK_QUEUE = "webhook";
export const SCHEDULE_QUEUE = "schedule";

/** Batches come after whatever a person waits for: jobs without a priority go first. */
export const BATCH_PRIORITY = 10;

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
  /** Fails within seconds when Redis is away. */
  ping(): Promise<void>;
  /** Calls back whenever Redis is there again after it was away: it may have forgotten something. */
  onReturn(listener: () => void): void;
  /** Puts back the jobs that dead workers hold; returns how many. */
  takeOver(isDead: (workerId: string) => boolean): Promise<number>;
  close(): Promise<void>;
}

/** The queues on a connection that somebody else opened and closes. */
export function createQueues({ connection, redisUrl, prefix }: QueueOptions): Queues {
  const generate = createQueue(GENERATE_QUEUE, { connection, prefix });
  const archive = createQueue(ARCHIVE_QUEUE, { connection, prefix });
  const webhook = createQueue(WEBHOOK_QUEUE, { connection, prefix });
  const schedule = createQueue(SCHEDULE_QUEUE, { connection, prefix });
  const all = [generate, archive, webhook, schedule];
  const pulse = createPulse(connection);
  return {
    generate,
    archive,
    webhook,
    schedule,
    addGenerate: createJobBundle(generate, connection, { onAnswer: pulse.felt }),
    ping: () => (pulse.isFresh() ? AT_ONCE : reached(redisUrl, pulse.feel)),
    onReturn: (listener) => void connection.on("ready", listener),
    takeOver: async (isDead) => {
      const taken = await Promise.all(all.map((queue) => takeOver(queue, { redis: connection, isDead })));
      return taken.reduce((sum, moved) => sum + moved, 0);
    },
    close: async () => {
      await Promise.all(all.map((queue) => queue.close()));
    },
  };
}

/** One queue on such a connection. How long its finished jobs are kept is said by the workers, not with each job. */
export function createQueue(name: string, options: Pick<QueueOptions, "connection" | "prefix">): Queue {
  const queue = new Queue(name, { ...options, skipVersionCheck: true });
  // a connection's errors are reported where it was opened; unheard they would end the process
  queue.on("error", () => undefined);
  return queue;
}

/** An answer of Redis is believed for so long, in ms: those who ask meanwhile are spared a round trip. */
const BELIEVED_MS = 20;
const AT_ONCE = Promise.resolve();

interface Pulse {
  /** Whether Redis answered just now. */
  isFresh(): boolean;
  /** Somebody else was answered. */
  felt(): void;
  /** Asks. Rejects where no answer comes. */
  feel(): Promise<void>;
}

/**
 * One ping for all who ask at the same time. A process that is busy for seconds, as with a thousand requests at once, sees
 * its own lateness as Redis's: who seems too late is asked once more, when what has come meanwhile has been read.
 */
function createPulse(connection: Redis): Pulse {
  let pinging: Promise<void> | undefined;
  let answeredAt = Number.NEGATIVE_INFINITY;
  connection.on("close", () => {
    answeredAt = Number.NEGATIVE_INFINITY;
  });
  const felt = () => {
    answeredAt = performance.now();
  };
  const ping = async () => {
    await connection.ping();
    felt();
  };
  const feel = () => {
    pinging ??= ping()
      .catch(async (error: unknown) => {
        if (!/timed out/.test(toMessage(error))) throw error;
        await setImmediate();
        await ping();
      })
      .finally(() => {
        pinging = undefined;
      });
    return pinging;
  };
  return { isFresh: () => performance.now() - answeredAt < BELIEVED_MS, felt, feel };
}

/** A job of queue "generate" that refers to a recorded request. */
export function toGenerateJob(request: { request_id: string; batch_id: string | null }): NamedJob & {
  data: { request_id: string };
} {
  const priority = request.batch_id === null ? {} : { priority: BATCH_PRIORITY };
  return {
    name: "generate",
    data: { request_id: request.request_id },
    opts: { jobId: toJobId(request.request_id), ...priority },
  };
}

/** What lies in a job of queue "archive". */
export interface ArchiveJobData {
  request_id: string;
}

/** The way from the first stage to the second. */
export function createArchiveQueue(archive: Queue, redisUrl: string): ArchiveQueue {
  return {
    add: async ({ request_id, expiresAt, purpose }) => {
      const data: ArchiveJobData = { request_id };
      const opts = { jobId: archiveJobId(request_id, purpose), priority: archivePriority(expiresAt) };
      await reached(redisUrl, () => archive.add("archive", data, opts));
    },
  };
}

const SUFFIX: Record<ArchivePurpose, string> = { copy: "", part: "~part", end: "~end" };

/** The job id of an archive job. "~" is in no request id, so that no purpose can meet another request. */
export function archiveJobId(requestId: string, purpose: ArchivePurpose): string {
  return `${toJobId(requestId)}${SUFFIX[purpose]}`;
}

const PRIORITY_EPOCH_MS = Date.UTC(2026, 0, 1);
const PRIORITY_STEP_MS = 10 * 60_000;
/** BullMQ's own limit, 2^21 - 1: with ten minutes a step it lasts for forty years. */
const PRIORITY_MAX = 2_097_151;

/** Nearest to loss first: BullMQ takes the lowest number first. What cannot be lost comes last. */
export function archivePriority(expiresAt: number | null): number {
  if (expiresAt === null) return PRIORITY_MAX;
  const steps = Math.ceil((expiresAt - PRIORITY_EPOCH_MS) / PRIORITY_STEP_MS);
  return Math.min(Math.max(steps, 1), PRIORITY_MAX - 1);
}
