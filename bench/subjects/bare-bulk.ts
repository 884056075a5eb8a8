// The baseline: requests that lie in memory, straight into BullMQ in chunks of 1,000. Reports requests per second.
import { Queue } from "bullmq";
import { Redis } from "ioredis";
import { report } from "../cost.ts";
import { requestOf } from "../manifest.ts";

const { REDIS_URL = "", QUEUE_PREFIX = "", COUNT = "0" } = process.env;
const requests = Array.from({ length: Number(COUNT) }, (_, index) => requestOf(index));
const connection = new Redis(REDIS_URL, { maxRetriesPerRequest: null });
const queue = new Queue("generate", { connection, prefix: QUEUE_PREFIX });
await queue.waitUntilReady();

const begun = performance.now();
for (let from = 0; from < requests.length; from += 1_000) {
  const chunk = requests.slice(from, from + 1_000);
  await queue.addBulk(
    chunk.map((data) => ({ name: "generate", data, opts: { jobId: `req-${data.request_id}`, priority: 10 } })),
  );
}
const seconds = (performance.now() - begun) / 1000;
report({ value: requests.length / seconds });
await queue.close();
await connection.quit();
process.disconnect();
