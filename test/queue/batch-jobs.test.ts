// A batch's jobs on their way into the queue: each once, in their order. A Redis that is gone: connection.test.ts.
import { expect, inject, onTestFinished, test } from "vitest";
import { openBatchQueue } from "../../src/queue/batch-jobs.ts";
import { openTestQueues } from "./support.ts";

async function openTestBatchQueue(prefix: string) {
  const queue = await openBatchQueue({ redisUrl: inject("redisUrl"), prefix });
  onTestFinished(() => queue.close());
  return queue;
}

const requests = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) => ({ request_id: `r-${from + index}`, batch_id: "b" }));

test("all of them are in the queue in their order, and what is there already is left alone", async () => {
  const { generate, prefix } = await openTestQueues();
  const queue = await openTestBatchQueue(prefix);
  await queue.add(requests(0, 700));
  await queue.add(requests(600, 800));
  const jobs = await generate.getPrioritized();
  expect(jobs.map((job) => job.data.request_id)).toEqual(requests(0, 800).map(({ request_id }) => request_id));
  // how long jobs are kept is the workers' to say: with each of a million it would be packed, sent and stored
  expect(jobs[0]?.opts).toEqual({ attempts: 0, jobId: "req-r-0", priority: 10 });
});

test("a job that Redis does not take is told of", async () => {
  const { generate, prefix, redis } = await openTestQueues();
  const queue = await openTestBatchQueue(prefix);
  // a key of another kind where the queue keeps its order: the script fails
  await redis.set(generate.toKey("prioritized"), "no list");
  await expect(queue.add(requests(0, 3))).rejects.toMatchObject({
    name: "TransientError",
    code: "redis_refused_job",
    message: expect.stringMatching(
      /^Cannot enqueue 3 of 3 jobs: Redis did not take all of them \(.*WRONGTYPE.*\); they are recorded$/,
    ),
  });
});
