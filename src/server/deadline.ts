// A signal for one exchange: over when the client goes, when the server stops, or when the time has come; and put away afterwards.
// AbortSignal.any with a signal that lives as long as the server would keep every exchange in memory.

/** Runs `work` with a signal that is aborted by any of `signals`, or after `ms`. */
export async function withDeadline<T>(
  { ms, signals }: { ms: number; signals: readonly AbortSignal[] },
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const over = () => controller.abort();
  const timer = setTimeout(over, ms);
  for (const signal of signals) {
    if (signal.aborted) over();
    signal.addEventListener("abort", over, { once: true });
  }
  try {
    return await work(controller.signal);
  } finally {
    clearTimeout(timer);
    for (const signal of signals) signal.removeEventListener("abort", over);
  }
}
