// `status`: what is going on, as counts; or everything about one request.
import type { Command } from "commander";
import type { App } from "../../app.ts";
import type { Counts } from "../../catalog/counts.ts";
import { TransientError } from "../../errors.ts";
import type { GateState } from "../../queue/gate.ts";
import { toRequestView } from "../../report/request-view.ts";
import { showDuration } from "../../units.ts";
import { EXIT, print, printJson, say, withApp } from "../io.ts";
import { printRequest } from "../request-text.ts";

const EXAMPLES = `
Examples:
  $ asset-archiver status
  $ asset-archiver status fox-1
  $ asset-archiver status --json | jq .seconds_to_nearest_loss`;

export function addStatusCommand(program: Command, end: (code: number) => void): void {
  program
    .command("status")
    .description("show what is going on, or everything about one request")
    .argument("[request_id]")
    .option("--json", "one JSON document")
    .addHelpText("after", EXAMPLES)
    .action(async (id: string | undefined, options: { json?: boolean }) =>
      end(await withApp((app) => (id === undefined ? showAll(app, options.json) : showOne(app, id, options.json)))),
    );
}

async function showOne(app: App, id: string, json = false): Promise<number> {
  const detail = await app.catalog().find(id);
  if (detail === undefined) {
    say(`There is no request "${id}" in the catalog`);
    return EXIT.failed;
  }
  if (json) printJson(toRequestView(detail));
  else printRequest(app, detail);
  return EXIT.done;
}

interface QueueCounts {
  waiting: number;
  active: number;
  delayed: number;
  failed: number;
}

interface Overview extends Counts {
  /** null when Redis cannot be reached. */
  generate: QueueCounts | null;
  archive: QueueCounts | null;
  gate: GateState | null;
}

async function showAll(app: App, json = false): Promise<number> {
  const counts = app.catalog().counts();
  const queues = await lookAtQueues(app);
  const overview: Overview = { ...queues, ...counts };
  if (json) printJson(overview);
  else printOverview(overview);
  return queues.generate === null ? EXIT.failed : EXIT.done;
}

async function lookAtQueues(app: App): Promise<Pick<Overview, "generate" | "archive" | "gate">> {
  try {
    const { generate, archive, gate } = await app.queues();
    const names = ["waiting", "prioritized", "active", "delayed", "failed"] as const;
    const [a, b, state] = await Promise.all([
      generate.getJobCounts(...names),
      archive.getJobCounts(...names),
      gate.state(),
    ]);
    return { generate: toQueueCounts(a), archive: toQueueCounts(b), gate: state };
  } catch (error) {
    if (!(error instanceof TransientError)) throw error;
    say(error.message);
    return { generate: null, archive: null, gate: null };
  }
}

// BullMQ keeps waiting jobs in two places, by whether they have a priority: to everybody else they wait
function toQueueCounts(counts: Record<string, number>): QueueCounts {
  const { waiting = 0, prioritized = 0, active = 0, delayed = 0, failed = 0 } = counts;
  return { waiting: waiting + prioritized, active, delayed, failed };
}

function printOverview(overview: Overview): void {
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
