// How generation ends: what is written down, and what the queue is told. After this nobody looks at an exception.
import { ArchiverError, levelOf, RejectedError, toMessage } from "../domain/errors.ts";
import type { HoldReason } from "../domain/records.ts";
import type { GenerateResult, GenerateRun } from "./generate-run.ts";
import { type Outcome, type Verdict, verdictOfError } from "./verdict.ts";

/** The last step: all images are on record, and the next stage takes over. */
export async function handOver(run: GenerateRun): Promise<Outcome<GenerateResult>> {
  await run.archiveQueue.add({ ...archiveJobOf(run), purpose: "copy" });
  return terminalOutcome(run);
}

/** What the archive queue has to know: which request, and when its first URL dies. */
export function archiveJobOf(run: GenerateRun): { request_id: string; expiresAt: number | null } {
  const expiries = run.detail.images.flatMap((image) => (image.digest === null ? (image.expires_at ?? []) : []));
  return { request_id: run.requestId, expiresAt: expiries.length === 0 ? null : Math.min(...expiries) };
}

/** The end of a request that needs nothing more from this stage. */
export function terminalOutcome(run: GenerateRun): Outcome<GenerateResult> {
  const { state, error } = run.detail.request;
  if (state === "failed" && error !== null) {
    return { kind: "rejected", error: new ArchiverError(error.message, { code: error.code }) };
  }
  return { kind: "done", result: { request_id: run.requestId, state } };
}

/** The job is let go, the request is not: it stays `queued`, and is put back into the queue when its batch may go on. */
export function releaseHeldJob(
  run: GenerateRun,
  held: { reason: HoldReason; message: string },
): Outcome<GenerateResult> {
  run.log.debug({ request_id: run.requestId, reason: held.reason }, held.message);
  return { kind: "done", result: { request_id: run.requestId, state: "queued", held: held.reason } };
}

/** Writes an end down, and passes it on as the outcome. */
export async function applyVerdict(run: GenerateRun, verdict: Verdict): Promise<Outcome<GenerateResult>> {
  const { error } = verdict;
  const reason = { code: error instanceof ArchiverError ? error.code : "internal_error", message: error.message };
  if (verdict.kind === "retry" || verdict.kind === "wait") {
    await run.catalog.recordError(run.requestId, { ...reason, spend: verdict.spend });
    return verdict;
  }
  const changed = await run.catalog.finish(run.requestId, {
    state: verdict.kind === "parked" ? "parked" : "failed",
    error: reason,
  });
  // a call of this very run is not in the detail that was read before it
  if (changed && (run.call !== undefined || run.detail.calls.length > 0))
    await run.archiveQueue.add({ request_id: run.requestId, expiresAt: null, purpose: "end" });
  if (changed) await run.notifier.notify(run.detail.request);
  return verdict;
}

/** The end of a run that threw, outside of any call. */
export async function applyError(run: GenerateRun, thrown: unknown): Promise<Outcome<GenerateResult>> {
  const attempt = (run.detail?.request.attempt ?? 0) + 1;
  const verdict = verdictOfError(thrown, { attempt, attempts: run.settings.attempts, random: run.random });
  const level = levelOf(thrown, thrown instanceof RejectedError ? "warn" : "error");
  run.log[level]({ request_id: run.requestId, error: toMessage(thrown), outcome: verdict.kind }, "cannot generate");
  // without a row there is nothing that could end: a request that was never recorded must not be lost with its job
  if (run.detail === undefined) return outcomeWithoutRecord(run, { verdict, error: thrown });
  try {
    return await applyVerdict(run, verdict);
  } catch (error) {
    return outcomeWithoutRecord(run, { verdict, error });
  }
}

/** Between two tries to record how a request ended, in ms. */
const RECORD_RETRY_MS = 5_000;

/**
 * What the queue is told when the catalog did not take an end. A job must not end before its row: the one that failed
 * would leave a request behind that seems to be generating. So it comes back, and the record decides what is left to do.
 */
function outcomeWithoutRecord(
  run: GenerateRun,
  { verdict, error }: { verdict: Verdict; error: unknown },
): Outcome<GenerateResult> {
  run.log[levelOf(error)](
    { request_id: run.requestId, error: toMessage(error), outcome: verdict.kind },
    "cannot record how a job ended; it is tried again",
  );
  if (verdict.kind === "retry" || verdict.kind === "wait") return verdict;
  return { kind: "wait", scope: "request", delayMs: RECORD_RETRY_MS, error: verdict.error };
}

/** This request looks again later; it spends nothing. */
export function waitForRequest(reason: string, delayMs: number): Outcome<never> {
  return { kind: "wait", scope: "request", delayMs, error: new Error(reason) };
}

/** Everybody stays away for a while. */
export function waitForFleet(reason: string, delayMs: number): Outcome<never> {
  return { kind: "wait", scope: "fleet", delayMs, error: new Error(reason) };
}
