// `retry`: tries a failed or parked request again, and says beforehand who pays.
import type { Command } from "commander";
import type { RetryEnd } from "../../decide.ts";
import { type RetryBatchFlags, requireTarget, runRetryBatch } from "../batch/redrive.ts";
import type { Desk } from "../desk.ts";
import { EXIT, print, printJson, say, withApp } from "../io.ts";
import { type DeskOptions, URL_OPTION, withDesk } from "../open-desk.ts";

const EXAMPLES = `
Images that can still be fetched are only copied, at no cost. Where their URLs are dead (url_expired), or none ever came,
the API is called for the same recipe with the same seed, and that is paid.
Exits 0 when all are on their way again, 1 when one is neither failed nor parked.

Examples:
  $ asset-archiver retry fox-1
  $ asset-archiver retry fox-1 fox-2 --json
  $ asset-archiver retry --batch autumn-20261123-1f3a --failed
  $ asset-archiver retry fox-1 --url http://archive.internal:8080`;

export function addRetryCommand(program: Command, end: (code: number) => void): void {
  program
    .command("retry")
    .description("try failed or parked requests again")
    .argument("[request_id...]")
    .option("--batch <id>", "items of a batch: --failed, --parked or both")
    .option("--failed", "with --batch: its failed items")
    .option("--parked", "with --batch: its parked items, which may have been paid already")
    .option(...URL_OPTION)
    .option("--json", "one JSON line for each request")
    .addHelpText("after", EXAMPLES)
    .action(async (ids: string[], options: Options) => end(await retryAll(ids, options)));
}

interface Options extends DeskOptions, RetryBatchFlags {
  batch?: string;
}

function retryAll(ids: string[], options: Options): Promise<number> {
  const { batch } = options;
  if (batch !== undefined) return withApp((app) => runRetryBatch(app, batch, options));
  requireTarget("retry", ids);
  return withDesk(options, (desk) => runRetry(desk, ids, options.json));
}

async function runRetry(desk: Desk, ids: string[], json = false): Promise<number> {
  let code: number = EXIT.done;
  for (const id of ids) {
    const end = await desk.retry(id);
    if (end?.retried !== true) code = EXIT.failed;
    show(id, end, json);
  }
  return code;
}

function show(id: string, end: RetryEnd | undefined, json: boolean): void {
  if (json) {
    const pays = end?.retried === true && end.pays;
    printJson({ request_id: id, retried: end?.retried ?? false, pays, state: end?.state ?? null });
  }
  if (end === undefined) say(`There is no request "${id}"`);
  else if (!end.retried)
    say(`${id} is ${end.state}: only what is failed or parked, with data that fits and not deleted, can be retried`);
  else if (!json) print(`${id} ${describe(end)}`);
}

function describe(end: Extract<RetryEnd, { retried: true }>): string {
  if (!end.pays) return "retried, at no cost: its images can still be fetched";
  return end.again
    ? "retried: the API will be called and paid again for the same recipe"
    : "retried: the API will be called for the same recipe; nothing was paid before";
}
