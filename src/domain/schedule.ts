// The rules of a schedule: which nights are due, and what becomes of those that nobody was there for. Pure.

/** A manifest that is run again and again. Times: ms since 1970. */
export interface Schedule {
  name: string;
  cron: string;
  tz: string;
  manifest: string;
  format: string | null;
  collection: string | null;
  tags: string[] | null;
  window: string | null;
  max_images: number | null;
  budget: string | null;
  webhook_url: string | null;
  strict: boolean;
  missed: "late" | "skip";
  paused: boolean;
  created_at: number;
  processed_until: number;
  last_due_at: number | null;
  last_batch_id: string | null;
  last_error: string | null;
}

/** A night that begins up to so late is on time, in ms: queues and restarts take a moment. */
export const ON_TIME_MS = 10 * 60_000;

/** So many missed nights are looked through; of them one is run at most. */
const MISSED_RUNS_MAX = 10_000;

export interface Due {
  /** The night to begin now; undefined where none is. */
  due: number | undefined;
  /** Up to here every night is dealt with, whether or not one is begun. */
  until: number;
}

/**
 * The night to begin at `now`. `next` gives the first time of the cron line after an instant.
 *
 * | nights since the last one dealt with | missed | begun |
 * |---|---|---|
 * | none | – | none |
 * | one or more, the latest on time | – | the latest |
 * | one or more, the latest too late | late | the latest, once, however many there were |
 * | one or more, the latest too late | skip | none |
 */
export function dueRun(
  schedule: Pick<Schedule, "processed_until" | "missed">,
  { now, next }: { now: number; next: (after: number) => number | undefined },
): Due {
  let latest: number | undefined;
  let at = next(schedule.processed_until);
  for (let count = 0; at !== undefined && at <= now && count < MISSED_RUNS_MAX; count++) {
    latest = at;
    at = next(at);
  }
  if (latest === undefined) return { due: undefined, until: schedule.processed_until };
  const onTime = now - latest <= ON_TIME_MS;
  return { due: onTime || schedule.missed === "late" ? latest : undefined, until: latest };
}

/** Whether the last night is still to begin: it has neither led to a batch nor been given up. */
export function isPending({ last_due_at, last_batch_id, last_error }: Schedule): boolean {
  return last_due_at !== null && last_batch_id === null && last_error === null;
}
