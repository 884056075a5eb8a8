// A pace for work that must not take all of a store's attention.
import type { Clock } from "../pipeline/ports.ts";

export interface PaceOptions {
  clock: Clock;
  /** At most so many in so many ms, evenly; undefined: as fast as it goes. */
  rate: { max: number; durationMs: number } | undefined;
  signal: AbortSignal;
}

/** Each call resolves when its turn has come, or at once when the signal is aborted. */
export function createPace({ clock, rate, signal }: PaceOptions): () => Promise<void> {
  if (rate === undefined) return async () => undefined;
  const stepMs = rate.durationMs / rate.max;
  let next = clock.now();
  return async () => {
    const now = clock.now();
    const turn = Math.max(next, now);
    next = turn + stepMs;
    if (turn > now) await clock.sleep(turn - now, signal);
  };
}
