// `cancel`: lets a request go that has cost nothing yet.
import type { Command } from "commander";
import type { CancelResult } from "../../app/request-actions.ts";
import type { Backend } from "../backend.ts";
import { requireTarget, runCancelBatch } from "../batch/redrive.ts";
import { EXIT, printJson, withApp, writeError, writeOutput } from "../io.ts";
import { requireLocal } from "../local-only.ts";
import { type BackendOptions, URL_OPTION, withBackend } from "../open-backend.ts";

const EXAMPLES = `
What waits, and what is parked, is cancelled at once. A request whose call is out is paid: it is finished and archived.
Exits 0 when all are cancelled (or were already), 1 when one is not.

Examples:
  $ asset-archiver cancel fox-1
  $ asset-archiver cancel fox-1 fox-2 --json
  $ asset-archiver cancel --batch autumn-20261123-1f3a
  $ asset-archiver cancel fox-1 --url http://archive.internal:8080`;

export function addCancelCommand(program: Command, end: (code: number) => void): void {
  program
    .command("cancel")
    .description("cancel requests that have cost nothing yet")
    .argument("[request_id...]")
    .option("--batch <id>", "everything of a batch that has cost nothing yet")
    .option(...URL_OPTION)
    .option("--json", "one JSON line for each request")
    .addHelpText("after", EXAMPLES)
    .action(async (ids: string[], options: Options) => end(await cancelAll(ids, options)));
}

interface Options extends BackendOptions {
  batch?: string;
  json?: boolean;
}

async function cancelAll(ids: string[], options: Options): Promise<number> {
  const { batch } = options;
  if (batch !== undefined) await requireLocal("cancel --batch", options);
  if (batch !== undefined) return withApp((app) => runCancelBatch(app, batch, options));
  requireTarget("cancel", ids);
  return withBackend(options, (desk) => runCancel(desk, ids, options.json));
}

async function runCancel(desk: Backend, ids: string[], json = false): Promise<number> {
  let code: number = EXIT.done;
  for (const id of ids) {
    const end = await desk.cancel(id);
    if (end?.cancelled !== true) code = EXIT.failed;
    show(id, end, json);
  }
  return code;
}

function show(id: string, end: CancelResult | undefined, json: boolean): void {
  if (json) {
    const paid = end?.cancelled === false && end.paid;
    printJson({ request_id: id, cancelled: end?.cancelled ?? false, paid, state: end?.state ?? null });
  }
  if (end === undefined) writeError(`There is no request "${id}"`);
  else if (!end.cancelled) writeError(`${id} ${describe(end)}`);
  else if (!json) writeOutput(`${id} cancelled`);
}

function describe({ state, paid }: Extract<CancelResult, { cancelled: false }>): string {
  if (state === "archived" || state === "failed") return `has ended already: it is ${state}`;
  return paid
    ? `is not cancelled: its call is out or answered, so it is paid; it is finished and archived`
    : `is not cancelled: it is ${state}`;
}
