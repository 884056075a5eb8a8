// How generation finishes: what is recorded, and the outcome for the queue. Callers above this see no exceptions.
import { ArchiverError, levelOf, RejectedError, toMessage } from "../domain/errors.ts";
import type { HoldReason } from "../domain/records.ts";
import type { GenerateResult, GenerateRun } from "./generate-run.ts";
import { type Outcome, type Verdict, verdictOfError } from "./verdict.ts";

/** The last step: all images are recorded, and the archive stage takes over. */
export async function handOver(run: GenerateRun): Promise<Outcome<GenerateResult>> {
  await run.archiveQueue.add({ ...archiveJobOf(run), purpose: "copy" });
  return terminalOutcome(run);
}

/** The data of an archive job: which request, and when its first URL expires. */
export function archiveJobOf(run: GenerateRun): { request_id: string; expiresAt: number | null } {
  const expiries = run.detail.images.flatMap((image) => (image.digest === null ? (image.expires_at ?? []) : []));
  return { request_id: run.requestId, expiresAt: expiries.length === 0 ? null : Math.min(...expiries) };
}

/** The outcome for a request that needs nothing more from this stage. */
export function terminalOutcome(run: GenerateRun): Outcome<GenerateResult> {
  const { state, error } = run.detail.request;
  if (state === "failed" && error !== null) {
    return { kind: "rejected", error: new ArchiverError(error.message, { code: error.code }) };
  }
  return { kind: "done", result: { request_id: run.requestId, state } };
}

/** Finishes the job but not the request: it stays `queued`, and is enqueued again when its batch may continue. */
export function releaseHeldJob(
  run: GenerateRun,
  held: { reason: HoldReason; message: string },
): Outcome<GenerateResult> {
  run.log.debug({ request_id: run.requestId, reason: held.reason }, held.message);
  return { kind: "done", result: { request_id: run.requestId, state: "queued", held: held.reason } };
}

/** Records a verdict and returns it as the outcome. */
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
  // the detail was read before this run's own call
  if (changed && (run.call !== undefined || run.detail.calls.length > 0))
    await run.archiveQueue.add({ request_id: run.requestId, expiresAt: null, purpose: "end" });
  if (changed) await run.notifier.notify(run.detail.request);
  return verdict;
}

/** The outcome of a run that threw outside a call. */
export async function applyError(run: GenerateRun, thrown: unknown): Promise<Outcome<GenerateResult>> {
  const attempt = (run.detail?.request.attempt ?? 0) + 1;
  const verdict = verdictOfError(thrown, { attempt, attempts: run.settings.attempts, random: run.random });
  const level = levelOf(thrown, thrown instanceof RejectedError ? "warn" : "error");
  run.log[level]({ request_id: run.requestId, error: toMessage(thrown), outcome: verdict.kind }, "cannot generate");
  // without a row nothing can be recorded, and the job is all there is: it must not end
  if (run.detail === undefined) return outcomeWithoutRecord(run, { verdict, error: thrown });
  try {
    return await applyVerdict(run, verdict);
  } catch (error) {
    return outcomeWithoutRecord(run, { verdict, error });
  }
}

/** The delay before recording a verdict is retried, in ms. */
const RECORD_RETRY_MS = 5_000;

/**
 * The outcome if a verdict cannot be recorded. A job must not finish before its row: otherwise the request would stay
 * `generating` without a job. So the job runs again, and the record decides what is left to do.
 */
function outcomeWithoutRecord(
  run: GenerateRun,
  { verdict, error }: { verdict: Verdict; error: unknown },
): Outcome<GenerateResult> {
  run.log[levelOf(error)](
    { request_id: run.requestId, error: toMessage(error), outcome: verdict.kind },
    "cannot record the verdict of a job; retrying",
  );
  if (verdict.kind === "retry" || verdict.kind === "wait") return verdict;
  return { kind: "wait", scope: "request", delayMs: RECORD_RETRY_MS, error: verdict.error };
}

/** Only this request waits; no attempt is spent. */
export function waitForRequest(reason: string, delayMs: number): Outcome<never> {
  return { kind: "wait", scope: "request", delayMs, error: new Error(reason) };
}

/** All workers wait. */
export function waitForFleet(reason: string, delayMs: number): Outcome<never> {
  return { kind: "wait", scope: "fleet", delayMs, error: new Error(reason) };
}
