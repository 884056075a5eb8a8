// Retries until a paid result is recorded, for example while the disk is full or the catalog is locked.
import { ConfigError, levelOf, TransientError } from "../domain/errors.ts";
import type { Clock, Log } from "./ports.ts";

const RETRY_INTERVAL_MS = 2_000;

interface PersistContext {
  clock: Clock;
  log: Log;
  requestId: string;
  delivery: { signal: AbortSignal };
}

/** Runs `work` until it succeeds. Rethrows only if the process must stop, or for a bug. */
export async function retryUntilPersisted<T>(run: PersistContext, what: string, work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      const isTransient = error instanceof ConfigError || error instanceof TransientError;
      if (!isTransient || run.delivery.signal.aborted) throw error;
      run.log[levelOf(error, "error")](
        { request_id: run.requestId, error: error.message },
        `cannot ${what} yet; kept in memory, retrying`,
      );
      await run.clock.sleep(RETRY_INTERVAL_MS, run.delivery.signal);
    }
  }
}
