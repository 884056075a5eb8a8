// How much one caller may ask: a bucket of tokens for each, filled at the configured rate. The clock is handed in.

export interface RateLimit {
  /** How long the caller has to wait, in ms; 0: go on. */
  take(caller: string): number;
}

/** `max` requests may come at once; they are given back evenly over `durationMs`. Callers are few: one for each token. */
export function createRateLimit(rate: { max: number; durationMs: number } | null, clock: { now(): number }): RateLimit {
  const buckets = new Map<string, { left: number; at: number }>();
  if (rate === null) return { take: () => 0 };
  // in whole numbers, a request costing `durationMs` and a millisecond bringing `max`: who waited as told must not be
  // turned away by a rounding
  const { max, durationMs } = rate;
  const full = max * durationMs;

  return {
    take: (caller) => {
      const now = clock.now();
      const bucket = buckets.get(caller) ?? { left: full, at: now };
      const left = Math.min(full, bucket.left + Math.max(0, now - bucket.at) * max);
      const passes = left >= durationMs;
      buckets.set(caller, { left: passes ? left - durationMs : left, at: now });
      return passes ? 0 : Math.ceil((durationMs - left) / max);
    },
  };
}
