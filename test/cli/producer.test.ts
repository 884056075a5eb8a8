import { Queue } from "bullmq";
import { Redis } from "ioredis";
import { expect, test } from "vitest";
import { openPlace, startSandbox, startWorker } from "./support.ts";

const JOBS = 1_000;

test("a plain BullMQ producer that knows only the job form adds 1,000 jobs and finds 1,000 archived requests", async () => {
  const place = await openPlace({ GENERATE_CONCURRENCY: "64", ARCHIVE_CONCURRENCY: "32", LOG_LEVEL: "warn" });
  const connection = new Redis(place.env.REDIS_URL ?? "", { maxRetriesPerRequest: null });
  const queue = new Queue("generate", { connection, prefix: place.env.QUEUE_PREFIX ?? "" });
  try {
    const { settings } = await startSandbox(place, ["--image-scale", "0.02"]);
    const jobs = Array.from({ length: JOBS }, (_, index) => ({
      name: "picture",
      data: { prompt: `picture number ${index}`, seed: index, metadata: { index } },
    }));
    // half of them before there is a worker, half of them after
    await queue.addBulk(jobs.slice(0, JOBS / 2));
    const worker = place.start(["worker"], { env: settings });
    await queue.addBulk(jobs.slice(JOBS / 2));
    await untilArchived(place, JOBS);
    const { out, code } = await place.run(["catalog", "export", "--format", "jsonl"]);
    expect(code).toBe(0);
    const lines = out.split("\n").filter((line) => line !== "");
    const requests = lines.map(
      (line) => JSON.parse(line) as { request_id: string; calls: number; metadata: { index: number } },
    );
    expect(new Set(requests.map(({ request_id }) => request_id)).size).toBe(JOBS);
    expect(new Set(requests.map(({ metadata }) => metadata.index)).size).toBe(JOBS);
    expect((await worker.end()).code).toBe(0);
  } finally {
    await queue.close();
    connection.disconnect();
    await place.close();
  }
}, 240_000);

test("job data that does not fit is a failed request that names every fault, and the worker goes on", async () => {
  const place = await openPlace();
  const connection = new Redis(place.env.REDIS_URL ?? "", { maxRetriesPerRequest: null });
  const queue = new Queue("generate", { connection, prefix: place.env.QUEUE_PREFIX ?? "" });
  try {
    const { settings } = await startSandbox(place, ["--image-scale", "0.02"]);
    await startWorker(place, settings);
    await queue.add("x", { request_id: "bad-1", prompt: "", n: 9, aspect_ration: "1:1" });
    await queue.add("x", { request_id: "bad-2", prompt: 7, steps: 0, seed: "abc" });
    await queue.add("x", ["no", "object", "at all"]);
    await queue.add("x", { request_id: "good-1", prompt: "a fox" });
    expect((await place.run(["wait", "good-1", "--timeout", "60s"])).code).toBe(0);
    const failed = await place.run(["catalog", "list", "--state", "failed", "--json"]);
    const messages = failed.out.split("\n").filter((line) => line !== "");
    expect(messages).toHaveLength(3);
    for (const fault of ["prompt", "n:", "aspect_ration", "did you mean aspect_ratio?", "steps", "seed"]) {
      expect(failed.out).toContain(fault);
    }
  } finally {
    await queue.close();
    connection.disconnect();
    await place.close();
  }
});

async function untilArchived(place: Awaited<ReturnType<typeof openPlace>>, wanted: number): Promise<void> {
  const deadline = Date.now() + 200_000;
  for (;;) {
    const { out } = await place.run(["status", "--json"]);
    const { requests } = JSON.parse(out) as { requests: { archived: number; failed: number } };
    if (requests.archived >= wanted) return;
    if (requests.failed > 0 || Date.now() > deadline) throw new Error(`not archived in time: ${out}`);
  }
}
