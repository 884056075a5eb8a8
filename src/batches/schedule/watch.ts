// The night watch: finds out which nights are due, and sees to it that each has its job. Done by every worker, again and
// again, and when a Job Scheduler wakes one: whoever looks first deals with a night, nobody does it twice.
import type { App } from "../../app/app.ts";
import { levelOf, toMessage } from "../../domain/errors.ts";
import { dueRun, isPending, type Schedule } from "../../domain/schedule.ts";
import { reached } from "../../queue/connection.ts";
import { addRunJob, nextCronTime, syncSchedulers } from "../../queue/schedule-jobs.ts";

/** Looks once at all schedules. */
export async function watchSchedules(app: App): Promise<void> {
  for (const schedule of app.catalog().schedules.list()) {
    await watchOne(app, schedule).catch((error) =>
      app.log[levelOf(error)](
        { schedule: schedule.name, error: toMessage(error) },
        "cannot look after a schedule; it is tried again",
      ),
    );
  }
}

async function watchOne(app: App, schedule: Schedule): Promise<void> {
  const { schedules } = app.catalog();
  const { name } = schedule;
  const now = app.clock.now();
  const night = schedule.paused
    ? { due: undefined, until: schedule.processed_until }
    : dueRun(schedule, { now, next: (after) => nextCronTime(schedule, after) });
  if (night.until > schedule.processed_until && (await schedules.claimRun(name, night)) && night.due === undefined) {
    app.log.warn(
      { schedule: name, due: new Date(night.until).toISOString() },
      "nobody was there for a night; it is left out",
    );
  }
  const present = schedules.find(name);
  if (present === undefined || !isPending(present) || present.last_due_at === null) return;
  const job = { name, due: present.last_due_at };
  const queues = await app.queues();
  await reached(app.settings.redisUrl, () => addRunJob(queues.schedule, job));
}

/** Brings BullMQ's Job Schedulers in step with the catalog. */
export async function keepJobSchedulers(app: App): Promise<void> {
  const wanted = app
    .catalog()
    .schedules.list()
    .filter(({ paused }) => !paused);
  const queues = await app.queues();
  await reached(app.settings.redisUrl, () => syncSchedulers(queues.schedule, wanted));
}
