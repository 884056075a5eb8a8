// The baseline: what somebody writes in an afternoon. The same two BullMQ queues, the same call, download, decode and put,
// but no catalog, no ledger, no sidecar, no second look. Reports requests per second.
import { createHash } from "node:crypto";
import { PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { Queue, Worker } from "bullmq";
import { Redis } from "ioredis";
import { Agent, fetch } from "undici";
import { createInspector } from "../../src/image/inspect.ts";
import { report } from "../cost.ts";
import { createTally, measureRate, openFiller } from "./fill-queue.ts";

const {
  REDIS_URL = "",
  QUEUE_PREFIX = "",
  IMAGE_API_BASE_URL = "",
  WARM_UP = "0",
  COUNT = "0",
  GENERATE_CONCURRENCY = "1",
} = process.env;
const concurrency = Number(GENERATE_CONCURRENCY);
const filler = openFiller({ redisUrl: REDIS_URL, prefix: QUEUE_PREFIX });
const tally = createTally();

// the same decode: what is compared is everything around it
const inspect = createInspector();
const s3 = new S3Client({
  region: "us-east-1",
  endpoint: process.env.AWS_ENDPOINT_URL_S3 ?? "",
  forcePathStyle: true,
  requestChecksumCalculation: "WHEN_REQUIRED",
  requestHandler: { httpAgent: { maxSockets: concurrency * 2 }, httpsAgent: {} },
});
const dispatcher = new Agent({ connections: concurrency });
const connection = () => new Redis(REDIS_URL, { maxRetriesPerRequest: null });
const archive = new Queue("archive", { connection: connection(), prefix: QUEUE_PREFIX });

const options = { prefix: QUEUE_PREFIX, concurrency, removeOnComplete: { count: 10_000 } };
const workers = [
  new Worker("generate", generate, { ...options, connection: connection() }),
  new Worker("archive", copy, { ...options, connection: connection() }),
];
report(await measureRate({ filler, tally }, { warmUp: Number(WARM_UP), count: Number(COUNT) }));
await Promise.all(workers.map((worker) => worker.close()));
process.exit(0);

async function generate(job: { data: { prompt: string } }): Promise<void> {
  const response = await fetch(`${IMAGE_API_BASE_URL}/images/generations`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: "Bearer x" },
    body: JSON.stringify({ model: "Qwen/Qwen-Image", prompt: job.data.prompt }),
    dispatcher,
  });
  const { data } = (await response.json()) as { data: { url: string }[] };
  await archive.add("archive", { url: data[0]?.url });
}

async function copy(job: { data: { url: string } }): Promise<void> {
  const response = await fetch(job.data.url, { dispatcher });
  const bytes = Buffer.from(await response.arrayBuffer());
  await inspect(bytes);
  const sha256 = createHash("sha256").update(bytes).digest();
  await s3.send(
    new PutObjectCommand({
      Bucket: "bench",
      Key: `images/${sha256.toString("hex")}.png`,
      Body: bytes,
      ContentType: "image/png",
      ChecksumAlgorithm: "SHA256",
      ChecksumSHA256: sha256.toString("base64"),
    }),
  );
  tally.done();
}
