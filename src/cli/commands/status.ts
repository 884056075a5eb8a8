// `status`: what is going on, as counts; or everything about one request.
import type { Command } from "commander";
import type { Overview } from "../../overview.ts";
import { showDuration } from "../../units.ts";
import { showBatchStatus } from "../batch/status.ts";
import type { Desk } from "../desk.ts";
import { EXIT, print, printJson, say, withApp } from "../io.ts";
import { type DeskOptions, URL_OPTION, withDesk } from "../open-desk.ts";
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

interface Options extends DeskOptions {
  batch?: string;
  report?: boolean;
  json?: boolean;
}

function runStatus(id: string | undefined, options: Options): Promise<number> {
  const { batch, report, json } = options;
  if (batch !== undefined) return withApp((app) => showBatchStatus(app, batch, { report, json }));
  return withDesk(options, (desk) => (id === undefined ? showAll(desk, json) : showOne(desk, id, json)));
}

async function showOne(desk: Desk, id: string, json = false): Promise<number> {
  const request = await desk.find(id);
  if (request === undefined) {
    say(`There is no request "${id}" in the catalog`);
    return EXIT.failed;
  }
  if (json) printJson(request);
  else printView(request, desk);
  return EXIT.done;
}

async function showAll(desk: Desk, json = false): Promise<number> {
  const overview = await desk.overview();
  if (json) printJson(overview);
  else printOverview(overview);
  return overview.generate === null ? EXIT.failed : EXIT.done;
}

function printOverview(overview: Overview): void {
  for (const line of workerLines(overview, Date.now())) print(line);
  print(`requests  ${pairs(overview.requests)}`);
  print(`calls     ${pairs(overview.calls)}`);
  if (overview.generate !== null) print(`generate  ${pairs({ ...overview.generate })}`);
  if (overview.archive !== null) print(`archive   ${pairs({ ...overview.archive })}`);
  const { gate, seconds_to_nearest_loss: seconds } = overview;
  if (gate?.reason) print(`halted    ${gate.reason}`);
  if (gate?.pace) print(`pace      at most ${gate.pace} calls a second`);
  if (seconds !== null)
    print(`loss      the next URL of an image not archived yet dies in ${showDuration(Math.max(0, seconds) * 1000)}`);
}

function pairs(counts: Record<string, number>): string {
  return Object.entries(counts)
    .map(([name, number]) => `${name} ${number}`)
    .join("  ");
}
