// Ours: the real worker on a queue that is full already, until every request is archived. Reports requests per second.
import { createApp } from "../../src/app.ts";
import { readSettings } from "../../src/config.ts";
import { createLog } from "../../src/log.ts";
import { startWorker } from "../../src/worker.ts";
import { report } from "../cost.ts";
import { fillQueue } from "./fill-queue.ts";

const settings = readSettings();
const count = Number(process.env.COUNT);
await fillQueue({ redisUrl: settings.redisUrl, prefix: settings.queuePrefix, count });

const { promise: done, resolve } = Promise.withResolvers<number>();
let archived = 0;
const onStep = (step: string) => {
  if (step !== "finish") return;
  archived += 1;
  if (archived === count) resolve(performance.now());
};
const app = createApp({ settings, log: createLog({ level: settings.logLevel }), onStep });
const begun = performance.now();
const worker = await startWorker(app);
const seconds = ((await done) - begun) / 1000;
report({ value: count / seconds });
await worker.stop();
await app.close();
process.disconnect();
