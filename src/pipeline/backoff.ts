// The delay before the next attempt. Pure: randomness is a parameter, and nothing waits here.

export interface Backoff {
  baseMs: number;
  capMs: number;
}

/** Between calls of the image API: 1 s, 2 s, 4 s … at most a minute, so that 8 attempts span about two minutes. */
export const GENERATE_BACKOFF: Backoff = { baseMs: 1_000, capMs: 60_000 };

/** Between copies: at most 5 minutes, and at most a twentieth of the time until the URL expires. */
export const ARCHIVE_BACKOFF: Backoff = { baseMs: 500, capMs: 300_000 };
const REMAINING_TRIES_MIN = 20;
const ARCHIVE_DELAY_MIN_MS = 200;

/**
 * Exponential backoff with full jitter: from 0 to base × 2^(attempt − 1), capped. Full jitter spreads clients that failed
 * together better than other kinds of jitter (AWS Architecture Blog, "Exponential Backoff And Jitter").
 * `attempt` counts from 1; `random` gives 0 ≤ x < 1.
 */
export function backoffMs(
  { baseMs, capMs }: Backoff,
  { attempt, random }: { attempt: number; random: () => number },
): number {
  const ceiling = Math.min(capMs, baseMs * 2 ** Math.min(attempt - 1, 30));
  return Math.round(random() * ceiling);
}

export interface ArchiveDelay {
  attempt: number;
  /** Time until the first URL expires; null if all bytes are in the spool. */
  msToExpiry: number | null;
  random: () => number;
}

/** The delay before the next copy. It shrinks as the expiry comes closer, so that many attempts are left. */
export function archiveDelayMs({ attempt, msToExpiry, random }: ArchiveDelay): number {
  const capMs =
    msToExpiry === null ? ARCHIVE_BACKOFF.capMs : Math.min(ARCHIVE_BACKOFF.capMs, msToExpiry / REMAINING_TRIES_MIN);
  const delayMs = backoffMs({ baseMs: ARCHIVE_BACKOFF.baseMs, capMs: Math.max(capMs, 0) }, { attempt, random });
  return Math.max(delayMs, ARCHIVE_DELAY_MIN_MS);
}

/** Below half the limit there is no delay. From there it grows up to this; at the limit no calls are made. */
const BACKLOG_DELAY_MAX_MS = 5_000;

/** The delay of one call because of the backlog of images that are not archived yet. */
export function backlogDelayMs({ images, bound }: { images: number; bound: number }): number {
  const fullness = images / bound;
  if (!(fullness > 0.5)) return 0;
  return Math.round(Math.min(1, (fullness - 0.5) * 2) * BACKLOG_DELAY_MAX_MS);
}
