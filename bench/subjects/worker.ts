// Ours: the real worker, from a queue that is full until every request is archived and recorded. Reports requests per second.
import { report } from "../cost.ts";
import { createTally, measureRate } from "./fill-queue.ts";
import { prepareWorker } from "./real-worker.ts";

const { WARM_UP, COUNT } = process.env;
const tally = createTally();
const { filler, whileItRuns } = prepareWorker((step) => {
  if (step === "finish") tally.done();
});
await whileItRuns(async () =>
  report(await measureRate({ filler, tally }, { warmUp: Number(WARM_UP), count: Number(COUNT) })),
);
