// A whole worker and jobs that nobody should send: one of them must not end the process, nor cost the others anything.
import { Redis } from "ioredis";
import { expect, onTestFinished, test, vi } from "vitest";
import { startWorker } from "../../src/app/worker.ts";
import { openSandbox } from "../../src/dev/sandbox/sandbox.ts";
import { openWorld } from "../support/world.ts";

const LEVELS = [100, 3_300, 4_400, 300_000];

const nested = (levels: number) => `{"prompt":"a fox","metadata":${"[".repeat(levels)}${"]".repeat(levels)}}`;

test("jobs nested to any depth fail with a reason, beside a good one that is paid once", async () => {
  const sandbox = await openSandbox({ imageScale: 0.05 });
  onTestFinished(() => sandbox.close());
  const world = await openWorld({
    IMAGE_API_BASE_URL: sandbox.url,
    IMAGE_API_KEY: "test",
    PRIVATE_IMAGE_HOSTS: "127.0.0.1",
  });
  const { generate } = await world.app.queues();
  const redis = new Redis(world.redisUrl);
  onTestFinished(() => redis.disconnect());
  for (const levels of LEVELS) {
    const job = await generate.add("generate", {}, { jobId: `deep-${levels}`, timestamp: 1000 });
    // as another language's client can: BullMQ's own JSON.stringify overflows at some 4,459 levels
    await redis.hset(generate.toKey(job.id ?? ""), "data", nested(levels));
  }
  await generate.add("generate", { request_id: "good", prompt: "a fox" }, { jobId: "good" });
  const worker = await startWorker(world.app);
  onTestFinished(async () => void (await worker.stop()));
  const stateOf = async (id: string) => (await world.app.catalog().find(id))?.request.state;
  await vi.waitFor(async () => expect(await stateOf("good")).toBe("archived"), { timeout: 60_000 });
  for (const levels of LEVELS) {
    const id = `job-deep-${levels}-1000`;
    await vi.waitFor(async () => expect(await stateOf(id)).toBe("failed"), { timeout: 30_000 });
    const message = (await world.app.catalog().find(id))?.request.error?.message;
    expect(message).toBe("The request does not fit: metadata: wanted at most 64 levels of arrays and objects");
  }
  expect(sandbox.bill().paid_calls).toBe(1);
});
