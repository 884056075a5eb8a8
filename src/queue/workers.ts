// The BullMQ workers of this process: take a job, run its stage, settle what came of it.
import { type Job, type Queue, UnrecoverableError, Worker, type WorkerOptions } from "bullmq";
import type { Redis } from "ioredis";
import { closeAll } from "../domain/close-all.ts";
import { toMessage } from "../domain/errors.ts";
import type { ArchiveDelivery, ArchiveResult } from "../pipeline/archive.ts";
import type { Delivery, GenerateResult } from "../pipeline/generate-run.ts";
import type { Log } from "../pipeline/ports.ts";
import type { Outcome } from "../pipeline/verdict.ts";
import { type ConnectionEvents, createWorkerConnection, isConnectionError, toRedisError } from "./connection.ts";
import { ARCHIVE_QUEUE, GENERATE_QUEUE, SCHEDULE_QUEUE, WEBHOOK_QUEUE } from "./queues.ts";
import { repairMalformedJobs } from "./repair-malformed-jobs.ts";
import { settle } from "./settle.ts";
import { eventIdOf } from "./webhook-jobs.ts";

/** A process killed over and over must not cost a job its life: BullMQ's default of 1 fails it at the second kill. */
const MAX_STALLED_COUNT = 50;
/** A lock not renewed for so long is lost, in ms: a stall of the event loop of half of it does no harm. */
const LOCK_MS = 30_000;

/**
 * Finished jobs stay this long for those who wait on them; the catalog is the record. It is said here and not with each
 * job: so it holds for those of other producers too, and a million jobs are packed, sent and kept without it.
 */
const KEEP_COMPLETED = { age: 24 * 3600, count: 10_000 };
const KEEP_FAILED = { age: 7 * 24 * 3600, count: 10_000 };

export interface StageOptions {
  redisUrl: string;
  prefix: string;
  concurrency: number;
  /** Stands on every job that this worker takes. */
  workerId: string;
  /** Default half a minute. */
  lockMs?: number | undefined;
  log: Log;
  /** Hears how the connections fare. Without it their errors go to the log. */
  connection?: ConnectionEvents;
  /** Aborted at the first signal to stop. */
  stopping: AbortSignal;
  /** Aborted when the grace is over. */
  signal: AbortSignal;
}

/** One running stage. */
export interface StageWorker {
  /** Resolves when it is connected and takes jobs. */
  ready(): Promise<void>;
  /** Takes no more jobs and resolves when those in hand are settled. */
  close(): Promise<void>;
}

/** Runs queue "generate". */
export function runGenerateWorker(
  options: StageOptions & { queue: Queue },
  run: (delivery: Delivery) => Promise<Outcome<GenerateResult>>,
): StageWorker {
  const { stopping, signal, queue } = options;
  return runWorker(GENERATE_QUEUE, options, async (job, token, redis) => {
    const { id: jobId = "", timestamp: addedAtMs, data } = job;
    const outcome = await run({
      jobId,
      addedAtMs,
      data,
      readRaw: () => readJobData(redis, queue.toKey(jobId)),
      stopping,
      signal,
    });
    const onHoldFailed = (error: unknown) =>
      options.log.debug({ queue: GENERATE_QUEUE, error: toMessage(error) }, "cannot hold the fleet back");
    return settle(job, outcome, { token, holdFleet: async (ms) => void (await queue.rateLimit(ms)), onHoldFailed });
  });
}

// BullMQ's own reading has decoded and parsed it
async function readJobData(redis: Redis, key: string): Promise<Buffer | undefined> {
  return (await redis.hgetBuffer(key, "data")) ?? undefined;
}

/** Runs queue "archive". Its jobs may be given up and done again at any time. */
export function runArchiveWorker(
  options: StageOptions,
  run: (delivery: ArchiveDelivery) => Promise<Outcome<ArchiveResult>>,
): StageWorker {
  return runWorker(ARCHIVE_QUEUE, options, async (job, token) => {
    const { signal } = options;
    const outcome = await run({ requestId: requestIdOf(job), attempt: job.attemptsStarted, signal });
    return settle(job, outcome, { token, holdFleet: async () => undefined });
  });
}

function requestIdOf(job: Job): string {
  const id = (job.data as { request_id?: unknown } | null)?.request_id;
  if (typeof id === "string") return id;
  // whatever attempts its producer gave it: it will not get better
  throw new UnrecoverableError(`invalid_request: Cannot archive job "${job.id}": request_id: wanted a string`);
}

/** Runs queue "webhook". A job that is done again sends the same event again. */
export function runWebhookWorker(
  options: StageOptions,
  run: (delivery: { eventId: string; signal: AbortSignal }) => Promise<Outcome<object>>,
): StageWorker {
  return runWorker(WEBHOOK_QUEUE, options, async (job, token) => {
    const outcome = await run({ eventId: eventIdOf(job), signal: options.signal });
    return settle(job, outcome, { token, holdFleet: async () => undefined });
  });
}

/** Runs queue "schedule". A night that is begun again goes on where it was. */
export function runScheduleWorker(
  options: StageOptions,
  run: (delivery: { name: string; data: unknown; attempt: number; signal: AbortSignal }) => Promise<Outcome<object>>,
): StageWorker {
  return runWorker(SCHEDULE_QUEUE, options, async (job, token) => {
    const { name, data, attemptsStarted: attempt } = job;
    const outcome = await run({ name, data, attempt, signal: options.stopping });
    return settle(job, outcome, { token, holdFleet: async () => undefined });
  });
}

type Processor = (job: Job, token: string, redis: Redis) => Promise<unknown>;

function runWorker(name: string, options: StageOptions, process: Processor): StageWorker {
  const { log } = options;
  const connection = createWorkerConnection(options.redisUrl);
  const worker = new Worker(name, (job: Job, token?: string) => process(job, token ?? "", connection), {
    ...workerOptions(options),
    connection,
  });
  let last = "";
  const complain = (error: unknown) => {
    if (options.connection !== undefined && isConnectionError(error))
      return options.connection.failed(toRedisError(error, options.redisUrl).message);
    const message = toMessage(error);
    // an outage repeats itself several times a second: it is said once
    if (message !== last) log.warn({ queue: name, error: message }, "queue trouble; the worker goes on by itself");
    last = message;
  };
  const onError = (error: Error) => {
    complain(error);
    if (error.name === "SyntaxError") mendQueue();
  };
  const mendQueue = () =>
    repairMalformedJobs({ name, prefix: options.prefix, redis: connection })
      .then((jobs) =>
        log.warn({ queue: name, jobs }, "jobs that are no JSON were made readable; they will fail with a reason"),
      )
      .catch(complain);
  worker.on("error", onError);
  connection.on("error", complain);
  connection.on("ready", () => {
    last = "";
    options.connection?.ready();
  });
  return {
    ready: async () => void (await worker.waitUntilReady()),
    close: () => closeAll([() => worker.close(), () => connection.disconnect()]),
  };
}

function workerOptions({
  prefix,
  concurrency,
  workerId,
  lockMs = LOCK_MS,
}: StageOptions): Omit<WorkerOptions, "connection"> {
  return {
    prefix,
    concurrency,
    name: workerId,
    maxStalledCount: MAX_STALLED_COUNT,
    stalledInterval: lockMs / 2,
    lockDuration: lockMs,
    removeOnComplete: KEEP_COMPLETED,
    removeOnFail: KEEP_FAILED,
    // a hold on the fleet binds all workers only where a limiter is set; the pace itself is the gate's business
    limiter: { max: 1_000_000, duration: 1_000 },
  };
}
