// Which states of a job mean that it will run, now or later. Anything else is a job that will not.
import type { JobState } from "bullmq";

const ALIVE: ReadonlySet<JobState | "unknown"> = new Set<JobState>([
  "waiting",
  "active",
  "delayed",
  "prioritized",
  "waiting-children",
]);

/** Whether a job in this state will run. */
export function isAlive(state: JobState | "unknown" | undefined): boolean {
  return state !== undefined && ALIVE.has(state);
}
