// Ours: the real worker on a queue that stays full, seen through a window in the middle: neither its start nor its end counts.
// Reports requests archived per second, and the ideal: concurrency ÷ the mean of the latencies that the API drew meanwhile.
import { setTimeout as sleep } from "node:timers/promises";
import { ownCost, report } from "../cost.ts";
import { createTally } from "./fill-queue.ts";
import { prepareWorker } from "./real-worker.ts";

/** Calls begin gently and drift apart in their first seconds: by then every slot has had several calls. */
const RAMP_MS = 10_000;

const windowMs = Number(process.env.WINDOW_S) * 1000;
const tally = createTally();
const { settings, filler, whileItRuns } = prepareWorker((step) => {
  if (step === "finish") tally.done();
});
const { concurrency } = settings.generate;
const ratePerMs = concurrency / 2_000;
// more than can be done: the queue must not run dry before the window has closed
await filler.fill(Math.ceil(1.2 * ratePerMs * (RAMP_MS + windowMs)));
await whileItRuns(async () => {
  await sleep(RAMP_MS);
  const [from, cost] = [await look(), ownCost().cpuSeconds];
  await sleep(windowMs);
  const to = await look();
  const meanMs = (to.drawnMs - from.drawnMs) / (to.calls - from.calls);
  report({
    value: ((to.archived - from.archived) * 1000) / (to.at - from.at),
    ideal: (concurrency * 1000) / meanMs,
    answered: ((to.calls - from.calls) * 1000) / (to.at - from.at),
    cpuSeconds: ownCost().cpuSeconds - cost,
  });
});

async function look() {
  const { origin } = new URL(settings.imageApi.baseUrl);
  const answer = await fetch(`${origin}/stats`);
  const { calls, drawnMs } = (await answer.json()) as { calls: number; drawnMs: number };
  return { calls, drawnMs, archived: tally.count(), at: performance.now() };
}
