// The stages on real queues: what BullMQ makes of each outcome, and what other producers may do to us.
import type { Job, JobsOptions } from "bullmq";
import { describe, expect, inject, onTestFinished, test } from "vitest";
import { ArchiverError, TransientError } from "../../src/domain/errors.ts";
import type { Delivery, GenerateResult } from "../../src/pipeline/generate-run.ts";
import type { Outcome } from "../../src/pipeline/verdict.ts";
import { runArchiveWorker, runGenerateWorker } from "../../src/queue/workers.ts";
import { openTestQueues, silent, testPrefix, until } from "./support.ts";

type Run = (delivery: Delivery) => Promise<Outcome<GenerateResult>>;

const never = new AbortController().signal;
const DONE = { kind: "done", result: { request_id: "r", state: "copying" } } as const;
const rejected = (code: string) => ({ kind: "rejected", error: new ArchiverError("the reason", { code }) }) as const;
const error = new TransientError("not now", { code: "http_503" });

/** A worker of queue "generate" that does this with every job. */
async function startGenerate(run: Run, { prefix = testPrefix(), concurrency = 4, lockMs = 30_000 } = {}) {
  const queues = await openTestQueues(prefix);
  const stage = runGenerateWorker(
    {
      redisUrl: inject("redisUrl"),
      prefix,
      concurrency,
      workerId: "w",
      lockMs,
      log: silent,
      stopping: never,
      signal: never,
      queue: queues.generate,
    },
    run,
  );
  onTestFinished(() => stage.close());
  await stage.ready();
  return { ...queues, stage };
}

async function stateOf(job: Job, wanted: string): Promise<void> {
  await until(async () => (await job.getState()) === wanted, `job ${job.id} to be ${wanted}`);
}

describe("what BullMQ makes of an outcome", () => {
  test("done: completed, with the result", async () => {
    const { generate } = await startGenerate(async () => DONE);
    const job = await generate.add("generate", {});
    await stateOf(job, "completed");
    expect((await generate.getJob(job.id ?? ""))?.returnvalue).toEqual(DONE.result);
  });

  test("parked: completed, with the reason", async () => {
    const parked = { kind: "parked", error: new ArchiverError("a person decides", { code: "unknown" }) } as const;
    const { generate } = await startGenerate(async () => parked);
    const job = await generate.add("generate", {});
    await stateOf(job, "completed");
    expect((await generate.getJob(job.id ?? ""))?.returnvalue).toEqual({ parked: "a person decides" });
  });

  test.each(["rejected", "exhausted"] as const)(
    "%s: failed for good, whatever attempts the producer gave",
    async (kind) => {
      let runs = 0;
      const { generate } = await startGenerate(async () => {
        runs += 1;
        return { ...rejected("bad_prompt"), kind };
      });
      const job = await generate.add("generate", {}, { attempts: 5 });
      await stateOf(job, "failed");
      expect((await generate.getJob(job.id ?? ""))?.failedReason).toBe("bad_prompt: the reason");
      expect(runs).toBe(1);
    },
  );

  test.each([
    ["retry", { kind: "retry", delayMs: 60_000, error }],
    ["wait for this request", { kind: "wait", scope: "request", delayMs: 60_000, error }],
  ] as const)("%s: delayed for as long as was said", async (_, outcome) => {
    const { generate } = await startGenerate(async () => outcome);
    const job = await generate.add("generate", {});
    await stateOf(job, "delayed");
    const { delay = 0, timestamp = 0 } = (await generate.getJob(job.id ?? "")) ?? {};
    expect(Date.now() - timestamp + delay).toBeGreaterThan(50_000);
  });

  const PRODUCERS: [string, JobsOptions][] = [
    ["no attempts, as in Python and PHP", { attempts: 0 }],
    ["one attempt", { attempts: 1 }],
    ["attempts and a backoff of their own", { attempts: 2, backoff: { type: "fixed", delay: 3_600_000 } }],
  ];
  test.each(PRODUCERS)("retries do not hang on what the producer gave: %s", async (_, options) => {
    let runs = 0;
    const { generate } = await startGenerate(async () => {
      runs += 1;
      return runs < 5 ? { kind: "retry", delayMs: 1, error } : DONE;
    });
    const job = await generate.add("generate", {}, options);
    await stateOf(job, "completed");
    expect(runs).toBe(5);
  });

  /** Holds the fleet at the first job it sees, once. */
  function holdOnce(delayMs: number) {
    const seen: string[] = [];
    const run: Run = async ({ jobId }) => {
      seen.push(jobId);
      return seen.length === 1 ? { kind: "wait", scope: "fleet", delayMs, error } : DONE;
    };
    return { seen, run };
  }

  test("wait for the fleet: all workers stay away", async () => {
    const prefix = testPrefix();
    const { seen, run } = holdOnce(3_000);
    const { generate } = await startGenerate(run, { prefix });
    await generate.add("generate", {}, { jobId: "first" });
    await until(async () => seen.length === 1, "the hold");
    const begun = Date.now();
    await startGenerate(run, { prefix });
    await stateOf(await generate.add("generate", {}, { jobId: "second" }), "completed");
    expect(Date.now() - begun).toBeGreaterThan(2_000);
  });

  test("wait for the fleet: the job keeps its place, and spends none of its attempts", async () => {
    const prefix = testPrefix();
    const { generate } = await openTestQueues(prefix);
    const jobs = [];
    for (const jobId of ["first", "second"]) jobs.push(await generate.add("generate", {}, { jobId, attempts: 1 }));
    const { seen, run } = holdOnce(100);
    await startGenerate(run, { prefix, concurrency: 1 });
    for (const job of jobs) await stateOf(job, "completed");
    expect(seen).toEqual(["first", "first", "second"]);
  });

  test("a run that throws, which it never should, fails the job and not the worker", async () => {
    const { generate } = await startGenerate(async ({ jobId }) => {
      if (jobId === "bug") throw new TypeError("a bug");
      return DONE;
    });
    const bug = await generate.add("generate", {}, { jobId: "bug" });
    const next = await generate.add("generate", {}, { jobId: "next" });
    await stateOf(bug, "failed");
    await stateOf(next, "completed");
  });
});

describe("other producers", () => {
  test("may add any JSON under any id: it arrives as it was written", async () => {
    const seen = new Map<string, unknown>();
    const { generate } = await startGenerate(async ({ jobId, data, addedAtMs }) => {
      seen.set(jobId, data);
      expect(Math.abs(Date.now() - addedAtMs)).toBeLessThan(60_000);
      return DONE;
    });
    const datas = [null, 7, "text", [1], { prompt: "zwölf 🦊 \u0000" }, { prompt: "x".repeat(5_000_000) }];
    const jobs = await Promise.all(
      datas.map((data, index) => generate.add("whatever", data, { jobId: `id ${index} ü` })),
    );
    for (const job of jobs) await stateOf(job, "completed");
    expect(datas.map((_, index) => seen.get(`id ${index} ü`))).toEqual(datas);
  });

  test("may send bytes that are not UTF-8: they can be read as they were sent", async () => {
    const prefix = testPrefix();
    const { generate, redis } = await openTestQueues(prefix);
    await generate.add("generate", {}, { jobId: "raw" });
    const sent = Buffer.from('{"prompt":"caf\xe9"}', "latin1");
    await redis.hset(generate.toKey("raw"), "data", sent);
    const seen = Promise.withResolvers<Uint8Array | undefined>();
    await startGenerate(
      async ({ readRaw }) => {
        seen.resolve(await readRaw());
        return DONE;
      },
      { prefix },
    );
    expect(await seen.promise).toEqual(sent);
  });

  test("an id that is there already is left alone", async () => {
    const seen: unknown[] = [];
    const { generate, stage } = await startGenerate(async ({ data }) => {
      seen.push(data);
      return DONE;
    });
    const first = await generate.add("generate", 1, { jobId: "same" });
    await stateOf(first, "completed");
    await generate.add("generate", 2, { jobId: "same" });
    await stateOf(await generate.add("generate", 3), "completed");
    await stage.close();
    expect(seen).toEqual([1, 3]);
  });

  test.each([
    ["data", "this is {no} JSON", "this is {no} JSON"],
    ["data in Latin-1", Buffer.from("{no} JSON: \xe9", "latin1"), "{no} JSON: \ufffd"],
    ["opts", "{{{", {}],
  ])(
    "%s that are no JSON harm nobody: the others go on, and the job comes out readable within seconds",
    async (field, text, readable) => {
      const prefix = testPrefix();
      const { generate, redis } = await openTestQueues(prefix);
      const bad = await generate.add("generate", {}, { jobId: "bad" });
      await redis.hset(generate.toKey("bad"), field.split(" ")[0] ?? "", text);
      const seen = new Map<string, unknown>();
      const worker = await startGenerate(
        async ({ jobId, data }) => {
          seen.set(jobId, data);
          return jobId === "bad" ? rejected("invalid_request") : DONE;
        },
        { prefix },
      );
      await stateOf(await worker.generate.add("generate", {}, { jobId: "good" }), "completed");
      await stateOf(bad, "failed");
      expect(seen.get("bad")).toEqual(readable);
      expect(await generate.getJobCounts("active", "wait")).toEqual({ active: 0, wait: 0 });
    },
  );

  test.each([null, {}, { request_id: 7 }])(
    "an archive job that names no request fails with the reason: %j",
    async (data) => {
      const prefix = testPrefix();
      const { archive } = await openTestQueues(prefix);
      const stage = runArchiveWorker(
        {
          redisUrl: inject("redisUrl"),
          prefix,
          concurrency: 1,
          workerId: "w",
          log: silent,
          stopping: never,
          signal: never,
        },
        async () => rejected("never called"),
      );
      onTestFinished(() => stage.close());
      const job = await archive.add("archive", data, { attempts: 3 });
      await stateOf(job, "failed");
      expect((await archive.getJob(job.id ?? ""))?.failedReason).toMatch(/request_id: wanted a string/);
      expect((await archive.getJob(job.id ?? ""))?.attemptsMade).toBe(1);
    },
  );
});

test("a worker that is closed lets what it has in hand finish, and takes nothing more", async () => {
  const release = Promise.withResolvers<void>();
  const seen: string[] = [];
  const { generate, stage } = await startGenerate(
    async ({ jobId }) => {
      seen.push(jobId);
      await release.promise;
      return DONE;
    },
    { concurrency: 1 },
  );
  const first = await generate.add("generate", {}, { jobId: "first" });
  await until(async () => seen.length === 1, "the first job");
  const closed = stage.close();
  const second = await generate.add("generate", {}, { jobId: "second" });
  release.resolve();
  await closed;
  expect(await first.getState()).toBe("completed");
  expect(await second.getState()).toBe("waiting");
  expect(seen).toEqual(["first"]);
});
