// `status`: what is going on, as counts; or everything about one request.
import type { Command } from "commander";
import type { Status } from "../../app/status.ts";
import { formatDuration } from "../../domain/units.ts";
import type { Backend } from "../backend.ts";
import { showBatchStatus } from "../batch/status.ts";
import { EXIT, printJson, withApp, writeError, writeOutput } from "../io.ts";
import { requireLocal } from "../local-only.ts";
import { type BackendOptions, URL_OPTION, withBackend } from "../open-backend.ts";
import { printView } from "../request-text.ts";
import { workerLines } from "../workers-text.ts";

const EXAMPLES = `
Examples:
  $ asset-archiver status
  $ asset-archiver status fox-1
  $ asset-archiver status --batch autumn-20261123-1f3a
  $ asset-archiver status --json | jq .seconds_to_nearest_loss`;

export function addStatusCommand(program: Command, end: (code: number) => void): void {
  program
    .command("status")
    .description("show what is going on, or everything about one request")
    .argument("[request_id]")
    .option("--batch <id>", "one batch: its items, budget, window and report")
    .option("--report", "with --batch: write its report anew, as it stands now")
    .option(...URL_OPTION)
    .option("--json", "one JSON document")
    .addHelpText("after", EXAMPLES)
    .action(async (id: string | undefined, options: Options) => end(await runStatus(id, options)));
}

interface Options extends BackendOptions {
  batch?: string;
  report?: boolean;
  json?: boolean;
}

async function runStatus(id: string | undefined, options: Options): Promise<number> {
  const { batch, report, json } = options;
  if (batch !== undefined) await requireLocal("status --batch", options);
  if (batch !== undefined) return withApp((app) => showBatchStatus(app, batch, { report, json }));
  return withBackend(options, (desk) => (id === undefined ? showAll(desk, json) : showOne(desk, id, json)));
}

async function showOne(desk: Backend, id: string, json = false): Promise<number> {
  const request = await desk.find(id);
  if (request === undefined) {
    writeError(`There is no request "${id}" in the catalog`);
    return EXIT.failed;
  }
  if (json) printJson(request);
  else printView(request, desk);
  return EXIT.done;
}

async function showAll(desk: Backend, json = false): Promise<number> {
  const overview = await desk.overview();
  if (json) printJson(overview);
  else printOverview(overview);
  return overview.generate === null ? EXIT.failed : EXIT.done;
}

function printOverview(overview: Status): void {
  for (const line of workerLines(overview, Date.now())) writeOutput(line);
  writeOutput(`requests  ${pairs(overview.requests)}`);
  writeOutput(`calls     ${pairs(overview.calls)}`);
  if (overview.generate !== null) writeOutput(`generate  ${pairs({ ...overview.generate })}`);
  if (overview.archive !== null) writeOutput(`archive   ${pairs({ ...overview.archive })}`);
  const { gate, store, seconds_to_nearest_loss: seconds } = overview;
  if (store !== null)
    writeOutput(
      `store     ${store.error === null ? "ok" : `cannot be written, no calls are made: ${store.error.message}`}`,
    );
  if (gate?.reason && store?.ok !== false) writeOutput(`halted    ${gate.reason}`);
  if (gate?.pace) writeOutput(`pace      at most ${gate.pace} calls a second`);
  if (seconds !== null)
    writeOutput(
      `loss      the next URL of an image not archived yet dies in ${formatDuration(Math.max(0, seconds) * 1000)}`,
    );
}

function pairs(counts: Record<string, number>): string {
  return Object.entries(counts)
    .map(([name, number]) => `${name} ${number}`)
    .join("  ");
}
