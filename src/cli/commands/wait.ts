// `wait`: until requests have ended.
import type { Command } from "commander";
import { RejectedError } from "../../domain/errors.ts";
import { parseDuration } from "../../domain/units.ts";
import type { Backend } from "../backend.ts";
import { waitForBatch } from "../batch/follow.ts";
import { requireTarget } from "../batch/redrive.ts";
import { EXIT, interruptSignal, printJson, withApp, writeError } from "../io.ts";
import { requireLocal } from "../local-only.ts";
import { type BackendOptions, URL_OPTION, withBackend } from "../open-backend.ts";
import { printView } from "../request-text.ts";
import { sayWhileWaiting } from "../wait-text.ts";

const EXAMPLES = `
Exits 0 when all are archived, 1 when one failed, was cancelled, is parked or did not end in time.

Examples:
  $ asset-archiver wait fox-1 fox-2
  $ asset-archiver wait fox-1 --timeout 10m --json
  $ asset-archiver wait --batch autumn-20261123-1f3a`;

interface Options extends BackendOptions {
  batch?: string;
  timeout?: string;
  json?: boolean;
}

export function addWaitCommand(program: Command, end: (code: number) => void): void {
  program
    .command("wait")
    .description("wait until requests have ended, and show them")
    .argument("[request_id...]")
    .option("--batch <id>", "wait until every item of a batch has ended")
    .option("--timeout <duration>", "give up after this long, such as 30s or 10m (default: never)")
    .option(...URL_OPTION)
    .option("--json", "one JSON line for each request")
    .addHelpText("after", EXAMPLES)
    .action(async (ids: string[], options: Options) => end(await runWait(ids, options)));
}

async function runWait(ids: string[], options: Options): Promise<number> {
  const { batch, json } = options;
  if (batch !== undefined) await requireLocal("wait --batch", options);
  if (batch === undefined) requireTarget("wait", ids);
  const timeoutMs = options.timeout === undefined ? undefined : toTimeout(options.timeout);
  const interrupted = interruptSignal();
  const signal = timeoutMs === undefined ? interrupted : AbortSignal.any([interrupted, AbortSignal.timeout(timeoutMs)]);
  const waiting = { signal, interrupted, json };
  if (batch !== undefined) return withApp((app) => waitForBatch(app, batch, waiting));
  return withBackend(options, (desk) => waitForRequests(desk, ids, waiting));
}

interface Waiting {
  signal: AbortSignal;
  /** Aborted by a person, and not by the timeout. */
  interrupted: AbortSignal;
  json: boolean | undefined;
}

async function waitForRequests(desk: Backend, ids: string[], { signal, interrupted, json }: Waiting): Promise<number> {
  let code: number = EXIT.done;
  for (const id of ids) {
    const request = await sayWhileWaiting(desk.wait(id, signal), () => desk.explain(id));
    if (interrupted.aborted) return EXIT.interrupted;
    if (request === undefined)
      writeError(signal.aborted ? `Request "${id}" did not end in time` : `There is no request "${id}"`);
    else if (json) printJson(request);
    else printView(request, desk);
    if (request?.state !== "archived") code = EXIT.failed;
  }
  return code;
}

function toTimeout(text: string): number {
  const ms = parseDuration(text);
  if (ms !== undefined) return ms;
  throw new RejectedError(`--timeout: wanted a duration such as 30s or 10m, got "${text}"`, {
    code: "invalid_request",
  });
}
