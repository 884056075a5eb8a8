// From the pipeline's outcome to what BullMQ must see. The catalog counts attempts; BullMQ only keeps the time.
import { DelayedError, type Job, UnrecoverableError, Worker } from "bullmq";
import type { Outcome } from "../pipeline/verdict.ts";

export interface SettleOptions {
  token: string;
  /** Holds the whole fleet back for so many ms. */
  holdFleet(ms: number): Promise<void>;
  /** Hears why the fleet could not be held back; the job itself is delayed all the same. */
  onHoldFailed?(error: unknown): void;
}

/**
 * Returns the job's result, or throws what BullMQ understands.
 *
 * | outcome | BullMQ |
 * |---|---|
 * | done | completed, with the result |
 * | retry; wait for this request | delayed |
 * | wait for the fleet | back to the head of the queue, and nobody takes a job until then; delayed where the fleet cannot be held |
 * | parked | completed: a person decides, and adds it again |
 * | rejected, exhausted | failed, for good |
 */
export async function settle<Result>(
  job: Job,
  outcome: Outcome<Result>,
  options: SettleOptions,
): Promise<Result | { parked: string }> {
  switch (outcome.kind) {
    case "done":
      return outcome.result;
    case "parked":
      return { parked: outcome.error.message };
    case "rejected":
    case "exhausted":
      throw new UnrecoverableError(`${outcome.error.code}: ${outcome.error.message}`);
    case "wait":
      // a hold that Redis did not take must not fail the job: this one stays away alone
      if (outcome.scope === "fleet" && outcome.delayMs > 0 && (await isHeld(outcome.delayMs, options))) {
        // without a message of its own: any other counts as a failure (BullMQ)
        throw Worker.RateLimitError();
      }
      return delay(job, outcome.delayMs, options.token);
    case "retry":
      return delay(job, outcome.delayMs, options.token);
  }
}

async function isHeld(ms: number, { holdFleet, onHoldFailed }: SettleOptions): Promise<boolean> {
  try {
    await holdFleet(ms);
    return true;
  } catch (error) {
    onHoldFailed?.(error);
    return false;
  }
}

async function delay(job: Job, delayMs: number, token: string): Promise<never> {
  await job.moveToDelayed(Date.now() + delayMs, token);
  throw new DelayedError();
}
