// The rules of a schedule: which runs are due, and what happens to missed ones. Pure.

/** A manifest that runs on a cron schedule. Times: ms since 1970. */
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

/** A run that starts up to this late counts as on time, in ms: queues and restarts cause delays. */
export const ON_TIME_MS = 10 * 60_000;

/** The maximum number of missed runs examined at a time. */
const MISSED_RUNS_MAX = 10_000;

export interface Due {
  /** The run to start now, if any. */
  due: number | undefined;
  /** Every run up to this time is processed, started or not. */
  until: number;
}

/**
 * The run to start at `now`. `next` gives the first time of the cron expression after a time.
 *
 * | runs since the last one processed | missed | started |
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

/** Whether the last run has not started yet: it has neither a batch nor an error. */
export function isPending({ last_due_at, last_batch_id, last_error }: Schedule): boolean {
  return last_due_at !== null && last_batch_id === null && last_error === null;
}
