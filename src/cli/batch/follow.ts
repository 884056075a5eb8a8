// Waiting for a batch on the command line: live on a terminal, quiet in a pipe; Ctrl-C leaves the batch running.
import type { App } from "../../app/app.ts";
import { explainBatchWait } from "../../app/wait-reasons.ts";
import { reportIfDue } from "../../batches/run/report.ts";
import { followBatch, listFailures } from "../../batches/run/view.ts";
import type { BatchView } from "../../output/report/batch-view.ts";
import { commandName, EXIT, printJson, writeError, writeOutput } from "../io.ts";
import { createLiveView } from "../live-view.ts";
import { sayWhileWaiting } from "../wait-text.ts";
import { batchLines, failureLines, type Pace, progressLines } from "./text.ts";

/** A report is written by whichever process looks first: its place is waited for, in ms. */
const REPORT_WITHIN_MS = 30_000;

export interface FollowOptions {
  /** Ends the waiting. */
  signal: AbortSignal;
  /** Aborted when it was a person who ended it and not a timeout; the same as `signal` where it is left out. */
  interrupted?: AbortSignal;
  json?: boolean | undefined;
}

/** Follows a batch to its end (or until it waits for a person), prints it and gives the exit code. */
export async function waitForBatch(
  app: App,
  batchId: string,
  { signal, interrupted = signal, json = false }: FollowOptions,
): Promise<number> {
  const live = createLiveView(process.stderr);
  const pace: Pace = { looks: [] };
  const onLook = (view: BatchView) =>
    live.draw(progressLines(view, { pace, now: app.clock.now(), columns: live.columns }));
  const write = (line: string) => (process.stderr.isTTY ? live.above(line) : writeError(line));
  const following = followBatch(app, batchId, { signal, onLook }).finally(() => live.end());
  const settled = await sayWhileWaiting(following, () => explainBatchWait(app), write);
  if (settled === undefined) return noSuchBatch(batchId);
  if (signal.aborted) {
    writeError(interrupted.aborted ? resumeHint(batchId) : `Batch "${batchId}" did not end in time`);
    return interrupted.aborted ? EXIT.interrupted : EXIT.failed;
  }
  showBatch(app, (await withReport(app, batchId)) ?? settled, json);
  return exitCodeOf(settled);
}

/** All items archived, or at least answered for: anything else is a failure. */
function exitCodeOf({ state, requests }: BatchView): number {
  const { failed, parked } = requests;
  return state === "finished" && failed + parked === 0 ? EXIT.done : EXIT.failed;
}

async function withReport(app: App, batchId: string): Promise<BatchView | undefined> {
  await reportIfDue(app, batchId);
  const signal = AbortSignal.timeout(REPORT_WITHIN_MS);
  for (;;) {
    const batch = app.catalog().batches.find(batchId);
    const owed =
      batch !== undefined && batch.finished_at !== null && batch.reported !== `finished:${batch.finished_at}`;
    if (!owed || signal.aborted) break;
    await app.clock.sleep(100, signal);
  }
  return followBatch(app, batchId, { signal: AbortSignal.abort() });
}

/** Prints one batch. */
export function showBatch(app: App, view: BatchView, json = false): void {
  const failures = listFailures(app, view.batch);
  if (json) printJson({ ...view, failures });
  else for (const line of [...batchLines(view), ...failures.flatMap(failureLines)]) writeOutput(line);
}

/** How to come back to a batch that goes on without us. */
export function resumeHint(batchId: string): string {
  const call = commandName();
  return `The batch goes on as long as a worker runs; come back with:\n  ${call} status --batch ${batchId}\n  ${call} wait --batch ${batchId}`;
}

/** Tells of an id that the catalog does not know. */
export function noSuchBatch(batchId: string): number {
  writeError(`There is no batch "${batchId}" in the catalog; see: ${commandName()} bulk --list`);
  return EXIT.failed;
}
