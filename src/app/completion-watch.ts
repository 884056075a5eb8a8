// Waiting for requests to end: all who wait share one look at the record, so that a thousand of them cost one small query.

import type { RequestState } from "../domain/records.ts";
import { isTerminal } from "../pipeline/archive.ts";

export interface CompletionWatch {
  /** Resolves when the request has ended, is parked or is not there, or when the signal is aborted. Rejects when the record cannot be read. */
  wait(requestId: string, signal: AbortSignal): Promise<void>;
}

export interface CompletionWatchOptions {
  states(ids: readonly string[]): Map<string, RequestState>;
  /** How often the record is looked at, in ms. */
  everyMs?: number;
}

interface Waiter {
  resolve(): void;
  reject(error: unknown): void;
}

export function createCompletionWatch({ states, everyMs = 150 }: CompletionWatchOptions): CompletionWatch {
  const waiting = new Map<string, Set<Waiter>>();
  let timer: NodeJS.Timeout | undefined;

  function look(): void {
    timer = undefined;
    try {
      const found = states([...waiting.keys()]);
      for (const [id, waiters] of waiting) if (isOver(found.get(id))) for (const waiter of waiters) waiter.resolve();
    } catch (error) {
      for (const waiters of waiting.values()) for (const waiter of waiters) waiter.reject(error);
    }
    schedule();
  }

  function schedule(): void {
    if (waiting.size === 0 || timer !== undefined) return;
    timer = setTimeout(look, everyMs);
  }

  function add(requestId: string, waiter: Waiter): void {
    const waiters = waiting.get(requestId) ?? new Set();
    waiting.set(requestId, waiters.add(waiter));
    schedule();
  }

  function remove(requestId: string, waiter: Waiter): void {
    const waiters = waiting.get(requestId);
    waiters?.delete(waiter);
    if (waiters?.size === 0) waiting.delete(requestId);
  }

  return {
    wait: async (requestId, signal) => {
      if (signal.aborted || isOver(states([requestId]).get(requestId))) return;
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const waiter = { resolve, reject };
      const onAbort = () => resolve();
      signal.addEventListener("abort", onAbort, { once: true });
      add(requestId, waiter);
      await promise.finally(() => {
        signal.removeEventListener("abort", onAbort);
        remove(requestId, waiter);
      });
    },
  };
}

function isOver(state: RequestState | undefined): boolean {
  return state === undefined || isTerminal(state) || state === "parked";
}
