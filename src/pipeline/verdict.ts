// The only table that decides the outcome of a stage. Pure: from a result and the attempts spent to an outcome.
import {
  type ArchiverError,
  ConfigError,
  RejectedError,
  TransientError,
  toMessage,
  UnknownOutcomeError,
  WaitError,
} from "../domain/errors.ts";
import { backoffMs, GENERATE_BACKOFF } from "./backoff.ts";
import type { CallResult } from "./ports.ts";

/** The outcome of a stage. Scope `fleet`: all workers wait, not this request alone. */
export type Outcome<Result = unknown> =
  | { kind: "done"; result: Result }
  | { kind: "retry"; delayMs: number; error: Error }
  | { kind: "wait"; delayMs: number; scope: "request" | "fleet"; error: Error }
  | { kind: "rejected" | "parked" | "exhausted"; error: ArchiverError };

/** An outcome, and whether it spends one of the request's attempts. */
export type Verdict = Exclude<Outcome, { kind: "done" }> & { spend: boolean };

export interface CallContext {
  /** The attempt that has just finished, from 1. */
  attempt: number;
  attempts: number;
  /** Calls of this request with unknown outcome, this one included. */
  unknownCalls: number;
  unknownCallPolicy: "retry" | "park";
  random: () => number;
}

/** Under the policy `retry`: the number of calls with unknown outcome at which a request is parked. */
export const UNKNOWN_CALLS_LIMIT = 2;

/** The code of a call that our own signal aborted: it says nothing about the API. */
export const ABORTED = "aborted";

/** The codes of a 2xx that cannot be parsed: an unknown or truncated format, and an HTML page. */
export const MALFORMED_ANSWER = "malformed_answer";
export const NOT_JSON = "not_json";

/** Whether a call got a 2xx that cannot be parsed: it may be paid, and another call would not help. */
export function isUnreadable(failure: { code: string }): boolean {
  return failure.code === MALFORMED_ANSWER || failure.code === NOT_JSON;
}

/** The wait without a Retry-After, in ms. */
const DEFAULT_WAIT_MS = 5_000;

/**
 * The verdict on a call without images.
 *
 * | call | class | outcome | spends an attempt |
 * |---|---|---|---|
 * | refused | rejected | rejected | yes |
 * | refused | transient | retry, or exhausted at the last attempt | yes |
 * | refused | wait | wait, the whole fleet | no |
 * | refused | config | wait, the whole fleet | no |
 * | unsent | aborted: this process is stopping | wait, this request | no |
 * | unsent | any other | wait, the whole fleet | no |
 * | unknown | any, policy `park` | parked | yes |
 * | unknown | any, policy `retry`, at the limit | parked | yes |
 * | unknown | any, policy `retry`, below the limit | retry, or exhausted | yes |
 */
export function verdictOfCall(result: Exclude<CallResult, { kind: "answered" }>, context: CallContext): Verdict {
  const { kind, failure } = result;
  const { code, message } = failure;
  if (kind === "unknown") return verdictOfUnknown(new UnknownOutcomeError(message, { code }), context);
  if (kind === "unsent" && code === ABORTED) {
    return { kind: "wait", scope: "request", delayMs: 0, error: new TransientError(message, { code }), spend: false };
  }
  if (kind === "unsent" || failure.class === "config") {
    return {
      kind: "wait",
      scope: "fleet",
      delayMs: DEFAULT_WAIT_MS,
      error: new ConfigError(message, { code }),
      spend: false,
    };
  }
  if (failure.class === "wait") {
    const delayMs = failure.retry_after_ms ?? DEFAULT_WAIT_MS;
    return {
      kind: "wait",
      scope: "fleet",
      delayMs,
      error: new WaitError(message, { code, retryAfterMs: delayMs }),
      spend: false,
    };
  }
  if (failure.class === "rejected")
    return { kind: "rejected", error: new RejectedError(message, { code }), spend: true };
  return retryOrExhausted(new TransientError(message, { code }), {
    ...context,
    atLeastMs: failure.retry_after_ms ?? 0,
  });
}

function verdictOfUnknown(error: ArchiverError, context: CallContext): Verdict {
  const atLimit = context.unknownCalls >= UNKNOWN_CALLS_LIMIT;
  if (context.unknownCallPolicy === "park" || atLimit) return { kind: "parked", error, spend: true };
  return retryOrExhausted(error, context);
}

function retryOrExhausted(error: ArchiverError, context: CallContext & { atLeastMs?: number }): Verdict {
  if (context.attempt >= context.attempts)
    return { kind: "exhausted", error: exhausted(error, context.attempts), spend: true };
  const delayMs = Math.max(backoffMs(GENERATE_BACKOFF, context), context.atLeastMs ?? 0);
  return { kind: "retry", delayMs, error, spend: true };
}

function exhausted(error: ArchiverError, attempts: number): ArchiverError {
  return new RejectedError(`Gave up after ${attempts} attempts; the last one: ${error.message}`, {
    code: "attempts_exhausted",
    cause: error,
  });
}

/** The wait after a local failure (catalog, disk), in ms. */
const INTERNAL_WAIT_MS = 5_000;

/**
 * The verdict on a stage that threw outside a call.
 *
 * | error | outcome | spends an attempt |
 * |---|---|---|
 * | RejectedError | rejected | yes |
 * | ConfigError (disk full, read-only …) | wait | no |
 * | TransientError, WaitError | wait | no |
 * | anything else: a bug | retry, or exhausted | yes |
 */
export function verdictOfError(
  thrown: unknown,
  context: Pick<CallContext, "attempt" | "attempts" | "random">,
): Verdict {
  if (thrown instanceof RejectedError) return { kind: "rejected", error: thrown, spend: true };
  if (thrown instanceof ConfigError || thrown instanceof TransientError || thrown instanceof WaitError) {
    return { kind: "wait", scope: "request", delayMs: INTERNAL_WAIT_MS, error: thrown, spend: false };
  }
  const error = new TransientError(`Unexpected: ${toMessage(thrown)}`, { code: "internal_error", cause: thrown });
  return retryOrExhausted(error, { ...context, unknownCalls: 0, unknownCallPolicy: "retry" });
}
