// How much one caller may ask: a bucket of tokens for each, filled at the configured rate. The clock is handed in.

export interface RateLimit {
  /** How long the caller has to wait, in ms; 0: go on. */
  take(caller: string): number;
}

/** `max` requests may come at once; they are given back evenly over `durationMs`. Callers are few: one for each token. */
export function createRateLimit(rate: { max: number; durationMs: number } | null, clock: { now(): number }): RateLimit {
  const buckets = new Map<string, { left: number; at: number }>();
  if (rate === null) return { take: () => 0 };
  const perMs = rate.max / rate.durationMs;

  return {
    take: (caller) => {
      const now = clock.now();
      const bucket = buckets.get(caller) ?? { left: rate.max, at: now };
      const left = Math.min(rate.max, bucket.left + Math.max(0, now - bucket.at) * perMs);
      buckets.set(caller, { left: left >= 1 ? left - 1 : left, at: now });
      return left >= 1 ? 0 : Math.ceil((1 - left) / perMs);
    },
  };
}
