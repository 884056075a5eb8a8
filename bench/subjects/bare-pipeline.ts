// The baseline: what somebody writes in an afternoon. The same two BullMQ queues, the same call, download, decode and put,
// but no catalog, no ledger, no sidecar, no second look. Reports requests per second.
import { Queue, Worker } from "bullmq";
import { Redis } from "ioredis";
import { report } from "../cost.ts";
import { createBareParts } from "./bare-parts.ts";
import { createTally, measureRate, openFiller } from "./fill-queue.ts";

const { REDIS_URL = "", QUEUE_PREFIX = "", WARM_UP = "0", COUNT = "0", GENERATE_CONCURRENCY = "1" } = process.env;
const concurrency = Number(GENERATE_CONCURRENCY);
const { call, copy } = createBareParts(concurrency);
const filler = openFiller({ redisUrl: REDIS_URL, prefix: QUEUE_PREFIX });
const tally = createTally();
const connection = () => new Redis(REDIS_URL, { maxRetriesPerRequest: null });
const archive = new Queue("archive", { connection: connection(), prefix: QUEUE_PREFIX });

const options = { prefix: QUEUE_PREFIX, concurrency, removeOnComplete: { count: 10_000 } };
const workers = [
  new Worker("generate", generate, { ...options, connection: connection() }),
  new Worker("archive", archiveOne, { ...options, connection: connection() }),
];
report(await measureRate({ filler, tally }, { warmUp: Number(WARM_UP), count: Number(COUNT) }));
await Promise.all(workers.map((worker) => worker.close()));
process.exit(0);

async function generate(job: { data: { prompt: string } }): Promise<void> {
  await archive.add("archive", { url: await call(job.data.prompt) });
}

async function archiveOne(job: { data: { url: string } }): Promise<void> {
  await copy(job.data.url);
  tally.done();
}
