// The same jobs for ours and for the baseline: any BullMQ producer, thousands of prompts.
import { Queue } from "bullmq";
import { Redis } from "ioredis";

export async function fillQueue({
  redisUrl,
  prefix,
  count,
}: {
  redisUrl: string;
  prefix: string;
  count: number;
}): Promise<void> {
  const connection = new Redis(redisUrl, { maxRetriesPerRequest: null });
  const queue = new Queue("generate", { connection, prefix });
  for (let from = 0; from < count; from += 1_000) {
    const size = Math.min(1_000, count - from);
    const jobs = Array.from({ length: size }, (_, index) => ({
      name: "generate",
      data: { prompt: `picture ${from + index}` },
    }));
    await queue.addBulk(jobs);
  }
  await queue.close();
  await connection.quit();
}
