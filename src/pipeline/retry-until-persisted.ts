// For what is paid already: tries again and again to put it on record, while the disk is full or the catalog locked.
import { ConfigError, levelOf, TransientError } from "../domain/errors.ts";
import type { Clock, Log } from "./ports.ts";

const RETRY_INTERVAL_MS = 2_000;

interface PersistContext {
  clock: Clock;
  log: Log;
  requestId: string;
  delivery: { signal: AbortSignal };
}

/** Does `work` until it succeeds. Gives up (and throws what it threw) only when the process must end, or for a bug. */
export async function retryUntilPersisted<T>(run: PersistContext, what: string, work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      const isTransient = error instanceof ConfigError || error instanceof TransientError;
      if (!isTransient || run.delivery.signal.aborted) throw error;
      run.log[levelOf(error, "error")](
        { request_id: run.requestId, error: error.message },
        `cannot ${what} yet; it is held in memory and tried again`,
      );
      await run.clock.sleep(RETRY_INTERVAL_MS, run.delivery.signal);
    }
  }
}
