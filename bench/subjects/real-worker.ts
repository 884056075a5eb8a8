// The real worker of the environment's settings, for the subjects that measure it; and its end.
import { createApp } from "../../src/app/app.ts";
import { createLog } from "../../src/app/log.ts";
import { readSettings } from "../../src/app/settings.ts";
import { startWorker } from "../../src/app/worker.ts";
import type { OnStep } from "../../src/pipeline/ports.ts";
import { openFiller } from "./fill-queue.ts";

/** An app that has not opened anything yet, and what fills its queue. */
export function prepareWorker(onStep: OnStep) {
  const settings = readSettings();
  const app = createApp({ settings, log: createLog({ level: settings.logLevel }), onStep });
  const filler = openFiller({ redisUrl: settings.redisUrl, prefix: settings.queuePrefix });
  return {
    app,
    settings,
    filler,
    /** Runs `measure` beside a worker that takes jobs, then stops it. */
    whileItRuns: async (measure: () => Promise<void>) => {
      const worker = await startWorker(app);
      await measure();
      await worker.stop();
      await app.close();
      await filler.close();
      process.disconnect();
    },
  };
}
