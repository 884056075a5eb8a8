// What Redis forgot is put back, once; what it holds is left alone.
import { type Job, type Queue, Worker } from "bullmq";
import { describe, expect, inject, onTestFinished, test } from "vitest";
import { archiveJobId, archivePriority, createArchiveQueue } from "../../src/queue/archive-jobs.ts";
import { createWorkerConnection } from "../../src/queue/connection.ts";
import { toGenerateJob } from "../../src/queue/generate-jobs.ts";
import { reconcile, type Unfinished } from "../../src/queue/reconcile.ts";
import { openTestQueues } from "./support.ts";

function unfinished(request_id: string, state: Unfinished["state"], fields: Partial<Unfinished> = {}): Unfinished {
  return { request_id, state, job_id: `req-${request_id}`, batch_id: null, expires_at: null, ...fields };
}

const PAGE = [unfinished("q", "queued"), unfinished("g", "generating"), unfinished("c", "copying")];

async function idsOf(queue: Queue): Promise<string[]> {
  const jobs = await queue.getJobs(["waiting", "prioritized", "delayed", "active"]);
  return jobs.map((job) => job.id ?? "").sort();
}

test("everything that is unfinished goes back into the queue of its stage, and a second look finds nothing to do", async () => {
  const queues = await openTestQueues();
  expect(await reconcile(queues, PAGE)).toBe(3);
  expect(await idsOf(queues.generate)).toEqual(["req-g", "req-q"]);
  expect(await idsOf(queues.archive)).toEqual(["req-c"]);
  expect((await queues.generate.getJob("req-q"))?.data).toEqual({ request_id: "q" });
  expect((await queues.archive.getJob("req-c"))?.data).toEqual({ request_id: "c" });
  expect(await reconcile(queues, PAGE)).toBe(0);
  await queues.generate.obliterate({ force: true });
  expect(await reconcile(queues, PAGE)).toBe(2);
  expect(await reconcile(queues, [])).toBe(0);
});

test("two workers that look at the same moment put each job back once", async () => {
  const queues = await openTestQueues();
  const page = Array.from({ length: 200 }, (_, index) => unfinished(`r${index}`, "queued"));
  await Promise.all([reconcile(queues, page), reconcile(queues, page), reconcile(queues, page)]);
  expect(await queues.generate.getJobCountByTypes("waiting")).toBe(200);
});

describe("a job that is there", () => {
  test.each(["waiting", "delayed", "prioritized"] as const)("and %s is left alone", async (state) => {
    const queues = await openTestQueues();
    const options = { waiting: {}, delayed: { delay: 60_000 }, prioritized: { priority: 5 } }[state];
    await queues.generate.add("generate", { mark: 1 }, { jobId: "req-q", ...options });
    expect(await reconcile(queues, [unfinished("q", "queued")])).toBe(0);
    expect((await queues.generate.getJob("req-q"))?.data).toEqual({ mark: 1 });
  });

  test("in a queue that is paused is left alone", async () => {
    const queues = await openTestQueues();
    await queues.generate.pause();
    await queues.generate.add("generate", { mark: 1 }, { jobId: "req-q" });
    expect(await reconcile(queues, [unfinished("q", "queued")])).toBe(0);
  });

  test("under the id that its own producer gave it is left alone", async () => {
    const queues = await openTestQueues();
    await queues.generate.add("generate", { prompt: "a fox" }, { jobId: "theirs" });
    expect(await reconcile(queues, [unfinished("q", "queued", { job_id: "theirs" })])).toBe(0);
    expect(await idsOf(queues.generate)).toEqual(["theirs"]);
  });

  test("but has ended is replaced: it will not run again", async () => {
    const queues = await openTestQueues();
    for (const [queue, id] of [
      [queues.generate, "req-q"],
      [queues.archive, "req-c"],
    ] as const) {
      await queue.add("x", { old: true }, { jobId: id });
      await fail(queue, id);
    }
    expect(await reconcile(queues, [unfinished("q", "queued"), unfinished("c", "copying")])).toBe(2);
    expect((await queues.generate.getJob("req-q"))?.data).toEqual({ request_id: "q" });
    expect((await queues.archive.getJob("req-c"))?.data).toEqual({ request_id: "c" });
  });
});

/** Takes a job as a worker does and fails it. */
async function fail(queue: Queue, id: string): Promise<void> {
  const job = await takeNext(queue);
  if (job.id !== id) throw new Error(`Got ${job.id}`);
  await job.moveToFailed(new Error("over"), "token", false);
}

async function takeNext(queue: Queue): Promise<Job> {
  const connection = createWorkerConnection(inject("redisUrl"));
  const worker = new Worker(queue.name, null, { connection, prefix: queue.opts.prefix ?? "", autorun: false });
  // the job speaks through this connection as long as the test lasts
  onTestFinished(async () => {
    await worker.close();
    connection.disconnect();
  });
  const job = await worker.getNextJob("token");
  if (job === undefined) throw new Error("Got no job");
  return job;
}

test("copies that are put back go in the order in which their URLs die", async () => {
  const queues = await openTestQueues();
  const now = Date.now();
  const inMinutes = { late: 9_000, soon: 20, later: 10_000, bytes: null };
  const page = Object.entries(inMinutes).map(([id, minutes]) =>
    unfinished(id, "copying", { expires_at: minutes === null ? null : now + minutes * 60_000 }),
  );
  await reconcile(queues, page);
  const order: string[] = [];
  for (const _ of page) order.push((await takeNext(queues.archive)).id ?? "");
  expect(order).toEqual(["req-soon", "req-late", "req-later", "req-bytes"]);
});

test("jobs of the archive queue: nearest to loss first, bytes last, one for each purpose", async () => {
  const queues = await openTestQueues();
  const archive = createArchiveQueue(queues.archive, "redis://unused");
  const now = Date.now();
  await archive.add({ request_id: "b", expiresAt: null, purpose: "copy" });
  await archive.add({ request_id: "l", expiresAt: now + 6 * 86_400_000, purpose: "copy" });
  await archive.add({ request_id: "s", expiresAt: now + 60_000, purpose: "part" });
  await archive.add({ request_id: "s", expiresAt: now + 60_000, purpose: "part" });
  expect(await queues.archive.getJobCountByTypes("prioritized")).toBe(3);
  expect((await takeNext(queues.archive)).id).toBe("req-s~part");
  expect((await takeNext(queues.archive)).id).toBe("req-l");
  expect((await takeNext(queues.archive)).id).toBe("req-b");
});

test.each([
  [null, 2_097_151],
  [Number.MAX_SAFE_INTEGER, 2_097_150],
  [0, 1],
  [-5, 1],
  [Date.UTC(2026, 0, 1, 0, 10), 1],
  [Date.UTC(2026, 0, 1, 0, 10, 0, 1), 2],
])("a URL that dies at %s has priority %i", (expiresAt, priority) => {
  expect(archivePriority(expiresAt)).toBe(priority);
});

test("no purpose of one request meets the job of another", () => {
  expect(archiveJobId("r", "copy")).toBe("req-r");
  expect(new Set(["copy", "part", "end"].map((purpose) => archiveJobId("r", purpose as "copy"))).size).toBe(3);
  expect(archiveJobId("r", "part")).not.toMatch(/^req-[A-Za-z0-9._-]+$/);
});

test("a job of a batch comes after whatever a person waits for", () => {
  expect(toGenerateJob({ request_id: "r", batch_id: null }).opts.priority).toBeUndefined();
  expect(toGenerateJob({ request_id: "r", batch_id: "b" }).opts.priority).toBeGreaterThan(0);
});
