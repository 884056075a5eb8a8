// A signal that ends with the caller's own, or when its time is over; and is put away afterwards.
// No AbortSignal.any: it holds on to signals that live long.

/** A timer takes no more, in ms: 25 days. */
const TIMER_MAX_MS = 2 ** 31 - 1;

export interface LimitOptions {
  signal: AbortSignal | undefined;
  /** None: only `signal` ends it. */
  timeoutMs: number | undefined;
  /** What it ends with when the time is over. */
  late: () => Error;
}

/** Whoever makes one releases it. */
export function createLimit({ signal, timeoutMs, late }: LimitOptions): { signal: AbortSignal; release(): void } {
  const controller = new AbortController();
  const stop = () => controller.abort(signal?.reason);
  const timedOut = () => controller.abort(late());
  const timer = timeoutMs === undefined ? undefined : setTimeout(timedOut, Math.min(timeoutMs, TIMER_MAX_MS));
  signal?.addEventListener("abort", stop, { once: true });
  if (signal?.aborted) stop();
  return {
    signal: controller.signal,
    release: () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", stop);
    },
  };
}
