// Ours: the real worker over many requests. Reports what it holds after EARLY and after LATE of them, after a collection.
import { setTimeout as sleep } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { report } from "../cost.ts";
import { createTally } from "./fill-queue.ts";
import { prepareWorker } from "./real-worker.ts";

const MIB = 1024 * 1024;
/** What is under way ends in so long, and the collector's threads give memory back. */
const QUIET_MS = 3_000;

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;
const { EARLY, LATE } = process.env;
const early = Number(EARLY);
const late = Number(LATE);
const tally = createTally();
const { filler, whileItRuns } = prepareWorker((step) => {
  if (step === "finish") tally.done();
});
await whileItRuns(async () => {
  const begun = performance.now();
  const first = await holdAfter(early);
  const last = await holdAfter(late);
  report({
    value: (late * 1000) / (performance.now() - begun),
    rssMibEarly: first.rss,
    rssMibLate: last.rss,
    heapMibEarly: first.heap,
    heapMibLate: last.heap,
  });
});

async function holdAfter(count: number): Promise<{ rss: number; heap: number }> {
  await filler.fill(count - tally.count());
  await tally.reaches(count);
  await sleep(QUIET_MS);
  collect();
  await sleep(QUIET_MS);
  collect();
  const { rss, heapUsed, external } = process.memoryUsage();
  return { rss: rss / MIB, heap: (heapUsed + external) / MIB };
}
