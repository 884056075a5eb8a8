// Ours: the real worker with one request at a time. Reports how long it was from the API's answer to the recorded asset, in ms.
import { report } from "../cost.ts";
import { toDelays } from "./delays.ts";
import { createTally } from "./fill-queue.ts";
import { prepareWorker } from "./real-worker.ts";

const { WARM_UP, COUNT } = process.env;
const tally = createTally();
const delays: number[] = [];
let answered = 0;
const { filler, whileItRuns } = prepareWorker((step) => {
  if (step === "call") answered = performance.now();
  if (step === "record") delays.push(performance.now() - answered);
  if (step === "finish") tally.done();
});
await whileItRuns(async () => {
  const all = Number(WARM_UP) + Number(COUNT);
  for (let done = 1; done <= all; done++) {
    await filler.fill(1);
    await tally.reaches(done);
  }
  report(toDelays(delays.slice(Number(WARM_UP))));
});
