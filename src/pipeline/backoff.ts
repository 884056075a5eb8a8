// How long to wait before the next try. Pure: randomness is handed in, nothing waits here.

export interface Backoff {
  baseMs: number;
  capMs: number;
}

/** Between calls of the image API: 1 s, 2 s, 4 s … at most a minute, so that 8 attempts span about two minutes. */
export const GENERATE_BACKOFF: Backoff = { baseMs: 1_000, capMs: 60_000 };

/** Between copies: at most 5 minutes, and never more than a twentieth of the time that the URL has left. */
export const ARCHIVE_BACKOFF: Backoff = { baseMs: 500, capMs: 300_000 };
const REMAINING_TRIES_MIN = 20;
const ARCHIVE_DELAY_MIN_MS = 200;

/**
 * Exponential backoff with full jitter: anything from 0 to base × 2^(attempt − 1), capped. Full jitter spreads a crowd
 * that failed together better than any other form (AWS Architecture Blog, "Exponential Backoff And Jitter").
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
  /** Time until the first URL dies; null when bytes are at hand and nothing dies. */
  msToExpiry: number | null;
  random: () => number;
}

/** The wait before the next copy: the nearer the loss, the shorter, so that there are always many tries left. */
export function archiveDelayMs({ attempt, msToExpiry, random }: ArchiveDelay): number {
  const capMs =
    msToExpiry === null ? ARCHIVE_BACKOFF.capMs : Math.min(ARCHIVE_BACKOFF.capMs, msToExpiry / REMAINING_TRIES_MIN);
  const delayMs = backoffMs({ baseMs: ARCHIVE_BACKOFF.baseMs, capMs: Math.max(capMs, 0) }, { attempt, random });
  return Math.max(delayMs, ARCHIVE_DELAY_MIN_MS);
}

/** Below half the bound nothing slows; from there each call waits longer, up to this, and at the bound nothing is bought. */
const BACKLOG_DELAY_MAX_MS = 5_000;

/** How long one call waits because images pile up that are not archived yet. */
export function backlogDelayMs({ images, bound }: { images: number; bound: number }): number {
  const fullness = images / bound;
  if (!(fullness > 0.5)) return 0;
  return Math.round(Math.min(1, (fullness - 0.5) * 2) * BACKLOG_DELAY_MAX_MS);
}
