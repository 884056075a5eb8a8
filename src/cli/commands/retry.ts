// `retry`: tries a failed or parked request again, and says beforehand who pays.
import { createInterface } from "node:readline/promises";
import { type Command, Option } from "commander";
import type { App } from "../../app/app.ts";
import type { RereadResult, RetryResult } from "../../app/request-actions.ts";
import type { RetryFilter, RetryManyResult } from "../../app/retry-many.ts";
import { RejectedError } from "../../domain/errors.ts";
import { formatMoney } from "../../domain/units.ts";
import { reconcileWebhooks } from "../../queue/webhook-jobs.ts";
import type { Backend } from "../backend.ts";
import { type RetryBatchFlags, requireTarget, runRetryBatch } from "../batch/redrive.ts";
import { EXIT, printJson, withApp, writeError, writeOutput } from "../io.ts";
import { requireLocal } from "../local-only.ts";
import { type BackendOptions, URL_OPTION, withBackend } from "../open-backend.ts";

const EXAMPLES = `
Images that can still be fetched are only copied, at no cost. Where their URLs are dead (url_expired), or none ever came,
the API is called for the same recipe with the same seed, and that is paid.
An answer that could not be read when it came is kept in the spool of its worker (see ledger --unknown and status <id>). --reread
reads it again, at no cost: run it on the worker's machine, or name a server that runs there.
Exits 0 when all are on their way again, 1 when one is neither failed nor parked.

Examples:
  $ asset-archiver retry fox-1
  $ asset-archiver retry fox-1 fox-2 --json
  $ asset-archiver retry --batch autumn-20261123-1f3a --failed
  $ asset-archiver retry fox-1 --reread
  $ asset-archiver retry --collection posters --code http_503 --dry-run
  $ asset-archiver retry --search "red fox" --yes
  $ asset-archiver retry fox-1 --url http://archive.internal:8080`;

export function addRetryCommand(program: Command, end: (code: number) => void): void {
  program
    .command("retry")
    .description("try failed or parked requests again")
    .argument("[request_id...]")
    .option("--batch <id>", "items of a batch: --failed, --parked or both")
    .option("--failed", "with --batch: its failed items")
    .option("--parked", "with --batch: its parked items, which may have been paid already")
    .option("--reread", "read kept answers again instead of calling the API")
    .option("--collection <name>", "all that failed in this collection")
    .addOption(new Option("--state <state>", "all in this state (default: failed)").choices(["failed", "parked"]))
    .option("--code <code>", "all whose error has this code, such as http_503")
    .option("--search <words>", "all whose prompts have these words")
    .option("--webhook", "send again what the webhook of these requests, or of the --batch, was not delivered")
    .option("--dry-run", "only say how many and what it costs")
    .option("--yes", "do not ask")
    .option(...URL_OPTION)
    .option("--json", "one JSON line for each request")
    .addHelpText("after", EXAMPLES)
    .action(async (ids: string[], options: Options) => end(await retryAll(ids, options)));
}

interface Options extends BackendOptions, RetryBatchFlags {
  batch?: string;
  reread?: boolean;
  webhook?: boolean;
  collection?: string;
  state?: "failed" | "parked";
  code?: string;
  search?: string;
  dryRun?: boolean;
  yes?: boolean;
}

async function retryAll(ids: string[], options: Options): Promise<number> {
  const { batch } = options;
  if (options.webhook) await requireLocal("retry --webhook", options);
  if (options.webhook) return withApp((app) => resend(app, ids, options));
  if (batch !== undefined && options.reread)
    throw new RejectedError("--reread: wanted request ids, not --batch", { code: "invalid_request" });
  if (isFilter(options)) {
    if (ids.length > 0) throw wrong("retry: expected request ids or a filter, not both");
    if (options.reread) throw wrong("--reread: expected request ids, not a filter");
    return withBackend(options, (desk) => retryFound(desk, options));
  }
  if (batch !== undefined) await requireLocal("retry --batch", options);
  if (batch !== undefined) return withApp((app) => runRetryBatch(app, batch, options));
  requireTarget("retry", ids);
  const { json, reread } = options;
  return withBackend(options, (desk) => (reread ? runReread(desk, ids, json) : runRetry(desk, ids, json)));
}

async function runReread(desk: Backend, ids: string[], json = false): Promise<number> {
  let code: number = EXIT.done;
  for (const id of ids) {
    const result = await desk.reread(id);
    if (result?.reread !== true) code = EXIT.failed;
    if (json)
      printJson({ request_id: id, ...(result ?? { reread: false, state: null, reason: "there is no such request" }) });
    else if (result === undefined) writeError(`There is no request "${id}"`);
    else if (!result.reread) writeError(`${id} is ${result.state}: ${result.reason}`);
    else writeOutput(`${id} ${describeReread(result)}`);
  }
  return code;
}

function describeReread({ images, missing, state }: RereadResult): string {
  const found = `read again, at no cost: ${images} ${images === 1 ? "image" : "images"}`;
  if (missing === 0) return state === "copying" ? `${found}, on the way to the store` : `${found}; it is ${state}`;
  return `${found}; ${missing} still missing, which \`retry\` would call for and pay`;
}

async function resend(app: App, ids: readonly string[], { batch, json = false }: Options): Promise<number> {
  if (batch !== undefined) return resendOfBatch(app, batch, json);
  requireTarget("retry", ids);
  let code: number = EXIT.done;
  for (const id of ids) {
    const events = await app.catalog().resendWebhooks(id);
    await reconcileWebhooks((await app.queues()).webhook, events);
    if (events.length === 0) code = EXIT.failed;
    if (json) printJson({ request_id: id, events: events.length });
    else writeOutput(`${id}: ${events.length} undelivered events are sent again`);
  }
  return code;
}

async function resendOfBatch(app: App, batch: string, json: boolean): Promise<number> {
  const { batches } = app.catalog();
  const found = batches.find(batch);
  if (found === undefined || found.webhook_url === null || found.reported === null) {
    writeError(`Batch "${batch}" has no webhook, or nothing to send to it`);
    return EXIT.failed;
  }
  await batches.resend(batch);
  if (json) printJson({ batch, events: 1 });
  else writeOutput(`${batch}: its last report is sent again as soon as a worker runs`);
  return EXIT.done;
}

// the items of a batch by state alone have a form of their own, which programs know
function isFilter({ collection, state, code, search, dryRun }: Options): boolean {
  return [collection, state, code, search].some((flag) => flag !== undefined) || dryRun === true;
}

async function retryFound(desk: Backend, options: Options): Promise<number> {
  const filter = toFilter(options);
  const plan = await desk.retryMany(filter, { dryRun: true });
  if (options.dryRun || plan.requests === 0) {
    showMany(plan, options.json);
    return EXIT.done;
  }
  if (!options.json || options.yes !== true) writeError(planText(plan));
  if (options.yes !== true && !(await isConfirmed())) return EXIT.failed;
  showMany(await desk.retryMany(filter, { dryRun: false }), options.json);
  return EXIT.done;
}

function toFilter({ batch, collection, state, code, search, failed, parked }: Options): RetryFilter {
  if (failed && (parked || state === "parked")) throw wrong("retry: expected one state, failed or parked");
  return { batch, collection, code, search, state: parked ? "parked" : state };
}

async function isConfirmed(): Promise<boolean> {
  if (!process.stdin.isTTY) throw wrong("retry: expected --yes where nobody can be asked (--dry-run shows the price)");
  const asked = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await asked.question("Go on? [y/N] ").finally(() => asked.close());
  return /^y(es)?$/i.test(answer.trim());
}

function showMany(result: RetryManyResult, json = false): void {
  if (json) printJson(result);
  else writeOutput(planText(result));
}

function planText({ requests, pays, images, price, dry_run, not_retryable }: RetryManyResult): string {
  const cost = price === null ? "" : `, ${formatMoney(price)}`;
  const paid =
    pays === 0 ? "at no cost" : `${pays} are called for (${images} images${cost}), ${requests - pays} at no cost`;
  const left = not_retryable === 0 ? "" : `; ${not_retryable} cannot be retried, since their data does not fit`;
  return `${requests} ${requests === 1 ? "request" : "requests"} ${dry_run ? "to be retried" : "retried"}: ${paid}${left}`;
}

function wrong(message: string): RejectedError {
  return new RejectedError(message, { code: "invalid_request" });
}

async function runRetry(desk: Backend, ids: string[], json = false): Promise<number> {
  let code: number = EXIT.done;
  for (const id of ids) {
    const end = await desk.retry(id);
    if (end?.retried !== true) code = EXIT.failed;
    show(id, end, json);
  }
  return code;
}

function show(id: string, end: RetryResult | undefined, json: boolean): void {
  if (json) {
    const pays = end?.retried === true && end.pays;
    printJson({ request_id: id, retried: end?.retried ?? false, pays, state: end?.state ?? null });
  }
  if (end === undefined) writeError(`There is no request "${id}"`);
  else if (!end.retried)
    writeError(
      `${id} is ${end.state}: only what is failed or parked, with data that fits and not deleted, can be retried`,
    );
  else if (!json) writeOutput(`${id} ${describe(end)}`);
}

function describe(end: Extract<RetryResult, { retried: true }>): string {
  if (!end.pays) return "retried, at no cost: its images can still be fetched";
  return end.again
    ? "retried: the API will be called and paid again for the same recipe"
    : "retried: the API will be called for the same recipe; nothing was paid before";
}
