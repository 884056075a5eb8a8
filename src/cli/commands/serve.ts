// `serve`: the HTTP API and the web page, until it is told to stop.
import type { Command } from "commander";
import { createApp } from "../../app/app.ts";
import { createLog } from "../../app/log.ts";
import { readSettings } from "../../app/settings.ts";
import { toSettingsView } from "../../app/settings-view.ts";
import { VERSION } from "../../app/version.ts";
import { startServer } from "../../server/server.ts";
import { EXIT, printJson, writeError, writeOutput } from "../io.ts";
import { withListenAddress } from "../listen-address.ts";
import { NEW_CATALOG_OPTION, type NewCatalogFlag } from "../new-catalog.ts";

const EXAMPLES = `
Needs the catalog, Redis and the store; a worker does the work. Without API_TOKENS it listens on loopback only.
SIGTERM or Ctrl-C: who waits is answered, the rest is let finish; a second one hurries.

Examples:
  $ asset-archiver serve
  $ API_TOKENS=… HOST=0.0.0.0 PORT=80 asset-archiver serve
  $ asset-archiver serve --port 0 --json | jq -r .url`;

interface Options extends NewCatalogFlag {
  host?: string;
  port?: string;
  json?: boolean;
}

export function addServeCommand(program: Command, end: (code: number) => void): void {
  program
    .command("serve")
    .description("answer the HTTP API and show the web page")
    .option("--host <address>", "where to listen (default: HOST)")
    .option("--port <number>", "where to listen, 0 for any free one (default: PORT)")
    .option(...NEW_CATALOG_OPTION)
    .option("--json", "print the address as one JSON document")
    .addHelpText("after", EXAMPLES)
    .action(async (options: Options) => end(await runServe(options)));
}

async function runServe(options: Options): Promise<number> {
  const settings = withListenAddress(readSettings(), options);
  const app = createApp({ settings, log: createLog({ level: settings.logLevel }), createCatalog: false });
  try {
    await app.prepare({ newCatalog: options.newCatalog ?? false });
    const server = await startServer(app, { ownsProcess: true });
    const stopped = untilStopped(() => server.stop());
    if (options.json) printJson({ url: server.url, host: settings.http.host, port: server.port });
    else writeOutput(server.url);
    app.log.info(
      { settings: toSettingsView(settings, "serve") },
      `asset-archiver ${VERSION}: server listens on ${server.url}`,
    );
    if (process.stderr.isTTY) writeError("Ctrl-C stops it");
    const reason = await Promise.race([stopped, server.displaced]);
    if (reason === undefined) return EXIT.done;
    await server.stop();
    throw reason;
  } finally {
    await app.close();
  }
}

/** Resolves when the first signal's stop has come to its end; each further signal calls `stop` again, which hurries it. */
function untilStopped(stop: () => Promise<void>): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const onSignal = () => void stop().then(resolve, reject);
  process.on("SIGTERM", onSignal);
  process.on("SIGINT", onSignal);
  return promise;
}
