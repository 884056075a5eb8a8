// `worker`: takes jobs until it is told to stop.
import type { Command } from "commander";
import { createApp } from "../../app/app.ts";
import { createLog } from "../../app/log.ts";
import { readSettings } from "../../app/settings.ts";
import { requireApiKey, startWorker } from "../../app/worker.ts";
import { EXIT, writeError } from "../io.ts";
import { NEW_CATALOG_OPTION, type NewCatalogFlag } from "../new-catalog.ts";

const EXAMPLES = `
Settings come from the environment and .env; IMAGE_API_KEY is the only one without a default.
SIGTERM or Ctrl-C: no new calls, those in flight are let finish (SHUTDOWN_GRACE); a second one hurries.

Examples:
  $ IMAGE_API_KEY=… asset-archiver worker
  $ GENERATE_RATE_LIMIT=300/m STORAGE_URL=s3://my-bucket/pictures asset-archiver worker`;

export function addWorkerCommand(program: Command, end: (code: number) => void): void {
  program
    .command("worker")
    .description("take jobs from the queues, call the image API, archive and record what comes")
    .option(...NEW_CATALOG_OPTION)
    .addHelpText("after", EXAMPLES)
    .action(async (flags: NewCatalogFlag) => end(await runWorkerCommand(flags)));
}

/** Closing what is left may take this long, in ms. */
const CLOSE_MS = 3_000;

async function runWorkerCommand({ newCatalog = false }: NewCatalogFlag): Promise<number> {
  const settings = readSettings();
  const app = createApp({ settings, log: createLog({ level: settings.logLevel }), createCatalog: false });
  try {
    requireApiKey(settings);
    await app.prepare({ newCatalog });
    const starting = startWorker(app);
    // listening before it is ready: a signal that comes while it starts must not kill it
    const stopping = stopped(async () => (await starting).stop());
    await starting;
    const displaced = starting.then(async (worker) => {
      const reason = await worker.displaced;
      await worker.stop();
      return reason;
    });
    const ended = await Promise.race([stopping, displaced]);
    if (typeof ended !== "boolean") writeError(ended.message);
    const code = typeof ended !== "boolean" ? EXIT.wrongUse : ended ? EXIT.done : EXIT.interrupted;
    await Promise.race([app.close(), app.clock.sleep(CLOSE_MS, new AbortController().signal)]);
    // a Redis that is away would be knocked at for ever, and a call that was given up be waited for
    process.exit(code);
  } finally {
    await app.close();
  }
}

/** Resolves when the first signal's stop has come to its end; each further signal calls `stop` again, which hurries it. */
function stopped(stop: () => Promise<boolean>): Promise<boolean> {
  const { promise, resolve, reject } = Promise.withResolvers<boolean>();
  // the first call's promise is the end; what later calls give is no news
  const onSignal = () => void stop().then(resolve, reject);
  process.on("SIGTERM", onSignal);
  process.on("SIGINT", onSignal);
  // a start that fails is told by itself
  promise.catch(() => undefined);
  return promise;
}
