// The rate limit: a fixed window that begins with its first call. Pure but for what it counts.

/** At most `max` calls in a window of `windowMs`. */
export interface RateLimit {
  max: number;
  windowMs: number;
}

const UNITS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const;

/** "10/s", "300/m", "5/200ms" as a limit; undefined for what is none. */
export function parseRateLimit(text: string): RateLimit | undefined {
  const [, max, times, unit] = /^(\d{1,9})\/(\d{1,6})?(ms|s|m|h)$/.exec(text.trim()) ?? [];
  if (max === undefined || unit === undefined || times === "0") return undefined;
  return { max: Number(max), windowMs: Number(times ?? 1) * UNITS[unit as keyof typeof UNITS] };
}

/** Counts calls. `admit` gives 0 when the call may pass, else the milliseconds until the window ends. */
export function createRateLimiter() {
  let startedAt = Number.NEGATIVE_INFINITY;
  let calls = 0;
  return {
    admit(limit: RateLimit, now: number): number {
      if (now >= startedAt + limit.windowMs) {
        startedAt = now;
        calls = 0;
      }
      calls += 1;
      return calls <= limit.max ? 0 : startedAt + limit.windowMs - now;
    },
  };
}
