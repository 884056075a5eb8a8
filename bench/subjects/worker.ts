// Ours: the real worker, from a queue that is full until every request is archived and recorded. Reports requests per second.
import { createApp } from "../../src/app.ts";
import { readSettings } from "../../src/config.ts";
import { createLog } from "../../src/log.ts";
import { startWorker } from "../../src/worker.ts";
import { report } from "../cost.ts";
import { createTally, measureRate, openFiller } from "./fill-queue.ts";

const { WARM_UP, COUNT } = process.env;
const settings = readSettings();
const filler = openFiller({ redisUrl: settings.redisUrl, prefix: settings.queuePrefix });
const tally = createTally();
const onStep = (step: string) => {
  if (step === "finish") tally.done();
};
const app = createApp({ settings, log: createLog({ level: settings.logLevel }), onStep });
const worker = await startWorker(app);
report(await measureRate({ filler, tally }, { warmUp: Number(WARM_UP), count: Number(COUNT) }));
await worker.stop();
await app.close();
await filler.close();
process.disconnect();
