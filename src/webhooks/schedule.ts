// When a webhook that was not taken is tried again. Pure.

/** The first pause, and how much longer each one is than the one before it. */
const FIRST_MS = 5_000;
const FACTOR = 3;
const LONGEST_MS = 4 * 3_600_000;

/** 5 s, 15 s, 45 s, 2 min, 7 min, 20 min, 1 h, 3 h, then every 4 h: 14 tries within a day. */
export const WEBHOOK_TRIES = 14;

/** A tenth more or less, so that those which failed together do not come back together. */
const JITTER = 0.1;

/**
 * The pause after the try `attempt` (from 1) has failed, in ms; undefined when that was the last one. A receiver that
 * names a time is given it, up to the longest pause.
 */
export function webhookDelayMs(
  attempt: number,
  { random, retryAfterMs = 0 }: { random: () => number; retryAfterMs?: number | undefined },
): number | undefined {
  if (attempt >= WEBHOOK_TRIES) return undefined;
  const pause = Math.min(LONGEST_MS, FIRST_MS * FACTOR ** (attempt - 1));
  const spread = pause * (1 + JITTER * (2 * random() - 1));
  return Math.round(Math.max(spread, Math.min(retryAfterMs, LONGEST_MS)));
}
