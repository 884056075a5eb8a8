// Schedules in BullMQ: a Job Scheduler for each wakes the workers when a night is due, and a job for each night begins it.
// The catalog is the record: what Redis has lost or kept too long is put right from it.
import { defaultRepeatStrategy, type Queue } from "bullmq";
import { isAlive } from "./alive.ts";

/** The names of jobs in queue "schedule". */
const DUE_JOB = "due";
export const RUN_JOB = "night";

/** When something repeats: a cron line of five fields, on the clock of a time zone. */
export interface CronLine {
  cron: string;
  tz: string;
}

/** The first time of a cron line after an instant (ms); undefined where it has none. Throws for a line that is none. */
export function nextCronTime({ cron, tz }: CronLine, after: number): number | undefined {
  // the same arithmetic as that of the Job Schedulers, so that both mean the same night
  const next: unknown = defaultRepeatStrategy(after, { pattern: cron, tz });
  return typeof next === "number" ? next : undefined;
}

/**
 * Makes the Job Schedulers those of the catalog. One that is right is left alone: setting it again, with the same times, can
 * delete a run that is overdue.
 */
export async function syncSchedulers(queue: Queue, wanted: readonly (CronLine & { name: string })[]): Promise<void> {
  const there = await queue.getJobSchedulers();
  const names = new Set(wanted.map(({ name }) => name));
  for (const { key } of there) if (!names.has(key)) await queue.removeJobScheduler(key);
  for (const { name, cron, tz } of wanted) {
    const found = there.find(({ key }) => key === name);
    if (found?.pattern === cron && found.tz === tz) continue;
    await queue.upsertJobScheduler(name, { pattern: cron, tz }, { name: DUE_JOB, data: { schedule: name } });
  }
}

/** Adds the job that begins a night, unless it is there; one that ended without having begun it is made anew. */
export async function addRunJob(queue: Queue, night: { name: string; due: number }): Promise<void> {
  const jobId = `${RUN_JOB}~${night.name}~${night.due}`;
  if (isAlive(await queue.getJobState(jobId))) return;
  await queue.remove(jobId);
  await queue.add(RUN_JOB, { schedule: night.name, due: night.due }, { jobId });
}
