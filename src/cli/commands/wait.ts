// `wait`: until requests have ended.
import type { Command } from "commander";
import type { App } from "../../app.ts";
import { RejectedError } from "../../errors.ts";
import type { RequestDetail } from "../../pipeline/records.ts";
import { toRequestView } from "../../report/request-view.ts";
import { waitForEnd } from "../../submit.ts";
import { parseDuration } from "../../units.ts";
import { waitForBatch } from "../batch/follow.ts";
import { EXIT, interruption, printJson, say, withApp } from "../io.ts";
import { printRequest } from "../request-text.ts";

const EXAMPLES = `
Exits 0 when all are archived, 1 when one failed, was cancelled, is parked or did not end in time.

Examples:
  $ asset-archiver wait fox-1 fox-2
  $ asset-archiver wait fox-1 --timeout 10m --json
  $ asset-archiver wait --batch autumn-20261123-1f3a`;

interface Options {
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
    .option("--json", "one JSON line for each request")
    .addHelpText("after", EXAMPLES)
    .action(async (ids: string[], options: Options) => end(await runWait(ids, options)));
}

function runWait(ids: string[], options: Options): Promise<number> {
  const { batch, json } = options;
  if (batch === undefined && ids.length === 0) {
    throw new RejectedError("wait: wanted a request id, or --batch <id>", { code: "invalid_request" });
  }
  const timeoutMs = options.timeout === undefined ? undefined : toTimeout(options.timeout);
  return withApp(async (app) => {
    const interrupted = interruption();
    const signal =
      timeoutMs === undefined ? interrupted : AbortSignal.any([interrupted, AbortSignal.timeout(timeoutMs)]);
    if (batch !== undefined) return waitForBatch(app, batch, { signal, interrupted, json });
    return waitForRequests(app, ids, { signal, interrupted, json });
  });
}

interface Waiting {
  signal: AbortSignal;
  /** Aborted by a person, and not by the timeout. */
  interrupted: AbortSignal;
  json: boolean | undefined;
}

async function waitForRequests(app: App, ids: string[], { signal, interrupted, json }: Waiting): Promise<number> {
  let code: number = EXIT.done;
  for (const id of ids) {
    const detail = await waitForEnd(app, id, signal);
    if (interrupted.aborted) return EXIT.interrupted;
    if (detail === undefined)
      say(signal.aborted ? `Request "${id}" did not end in time` : `There is no request "${id}"`);
    else show(app, { detail, json: json });
    if (detail?.request.state !== "archived") code = EXIT.failed;
  }
  return code;
}

function show(app: App, { detail, json = false }: { detail: RequestDetail; json: boolean | undefined }): void {
  if (json) printJson(toRequestView(detail));
  else printRequest(app, detail);
}

function toTimeout(text: string): number {
  const ms = parseDuration(text);
  if (ms !== undefined) return ms;
  throw new RejectedError(`--timeout: wanted a duration such as 30s or 10m, got "${text}"`, {
    code: "invalid_request",
  });
}
