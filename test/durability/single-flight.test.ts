// Requests of one recipe that arrive together, through every door and at two workers, make one call.
import { Queue } from "bullmq";
import { expect, onTestFinished, test, vi } from "vitest";
import { createApp } from "../../src/app/app.ts";
import { parseSettings } from "../../src/app/settings.ts";
import { submit, waitForEnd } from "../../src/app/submit.ts";
import { startWorker } from "../../src/app/worker.ts";
import { createClient } from "../../src/client.ts";
import { QUIET } from "../maintenance/support.ts";
import { openBusyServed } from "../server/support.ts";

vi.setConfig({ testTimeout: 90_000 });

/** Twenty requests of one recipe through six doors; resolves to how each ended. */
async function rush(prompt: string) {
  const served = await openBusyServed({ sandbox: { imageScale: 0.02, latencyMs: 300 } });
  const { app, env, post, url } = served;
  const second = createApp({ settings: parseSettings(env), log: QUIET });
  const worker = await startWorker(second);
  const redis = { redisUrl: env.REDIS_URL ?? "", queuePrefix: env.QUEUE_PREFIX ?? "" };
  const [byHttp, byRedis] = [createClient({ url }), createClient(redis)];
  const queue = new Queue("generate", { connection: { url: redis.redisUrl }, prefix: redis.queuePrefix });
  onTestFinished(async () => {
    await Promise.all([queue.close(), byHttp.close(), byRedis.close()]);
    await worker.stop();
    await second.close();
  });
  const ids: string[] = [];
  const next = () => {
    const request_id = `r${ids.length}`;
    ids.push(request_id);
    return { request_id, prompt, seed: 42 };
  };
  const lines = Array.from({ length: 4 }, () => JSON.stringify(next())).join("\n");
  const asImageApi: Promise<Response>[] = [];
  const doors: (() => Promise<unknown>)[] = [
    () => queue.add("generate", next()),
    () => submit(app, next()),
    () => post("/v1/requests", next()),
    () => byHttp.enqueue(next()),
    () => byRedis.enqueue(next()),
  ];
  await Promise.all([
    ...doors.flatMap((door) => Array.from({ length: 3 }, door)),
    post("/v1/requests/bulk", lines, { "content-type": "application/x-ndjson" }),
    void asImageApi.push(post("/v1/images/generations", next())),
  ]);
  const deadline = AbortSignal.timeout(60_000);
  await vi.waitFor(() => expect(app.catalog().browse.states(ids).size).toBe(ids.length), { timeout: 30_000 });
  const ends = await Promise.all(ids.map((id) => waitForEnd(app, id, deadline)));
  const [image] = await Promise.all(asImageApi);
  return { ends: ends.map((end) => end?.request), image, bill: served.sandbox.bill() };
}

test("one pays, the others are answered from the catalog", async () => {
  const { ends, image, bill } = await rush("a fox");
  expect(ends).toHaveLength(20);
  expect(ends.filter((end) => end?.state === "archived" && end.reused_from !== null)).toHaveLength(19);
  expect(bill).toMatchObject({ calls: 1, paid_calls: 1 });
  expect(image?.status).toBe(200);
});

test("when the first call fails, one of them calls again and the others still wait for it", async () => {
  const { ends, bill } = await rush("a [flaky] fox");
  expect(ends.filter((end) => end?.state === "archived" && end.reused_from !== null)).toHaveLength(19);
  expect(bill).toMatchObject({ calls: 2, paid_calls: 1 });
});
