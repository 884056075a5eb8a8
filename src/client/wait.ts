// Waiting for an end by looking again and again. What the look is, and what may wake it early, is handed in.
import { RejectedError, TransientError } from "../domain/errors.ts";
import type { RequestState } from "../domain/records.ts";
import type { WaitOptions } from "./contract.ts";
import { createLimit } from "./limit.ts";

export interface WaitSource<Found> {
  /** The request when it has ended, else undefined. */
  look(signal: AbortSignal): Promise<Found | undefined>;
  /** The time between two looks, `round` counting from 1. */
  pause(round: number, signal: AbortSignal): Promise<void>;
}

/** An outage so short does not end a wait that had begun well, in ms. */
const OUTAGE_MS = 5_000;

/** Looks until the end has come. Rejects with `wait_timeout`, with the signal's reason, or with what a look rejects with. */
export async function waitUntilEnded<Found>(
  requestId: string,
  { timeoutMs, signal }: WaitOptions,
  { look, pause }: WaitSource<Found>,
): Promise<Found> {
  const limit = createLimit({ signal, timeoutMs, late: () => tooLate(requestId, timeoutMs) });
  let lastSeen: number | undefined;
  try {
    for (let round = 1; ; round++) {
      limit.signal.throwIfAborted();
      try {
        const found = await look(limit.signal);
        if (found !== undefined) return found;
        lastSeen = Date.now();
      } catch (error) {
        limit.signal.throwIfAborted();
        const passing = error instanceof TransientError && lastSeen !== undefined && Date.now() - lastSeen < OUTAGE_MS;
        if (!passing) throw error;
      }
      await pause(round, limit.signal);
    }
  } finally {
    limit.release();
  }
}

/** Whether nothing more comes by itself. */
export function hasStopped(state: RequestState): boolean {
  return state === "archived" || state === "failed" || state === "cancelled" || state === "parked";
}

/** For a look at something that knows everything: undefined while it goes on, a throw where there is nothing. */
export function requireEnd<Found extends { state: RequestState }>(
  requestId: string,
  found: Found | undefined,
): Found | undefined {
  if (found === undefined) {
    throw new RejectedError(`There is no request "${requestId}"`, { code: "request_not_found" });
  }
  return hasStopped(found.state) ? found : undefined;
}

function tooLate(requestId: string, timeoutMs: number | undefined): TransientError {
  const message = `Request "${requestId}" did not end within ${timeoutMs} ms; it goes on`;
  return new TransientError(message, { code: "wait_timeout" });
}
