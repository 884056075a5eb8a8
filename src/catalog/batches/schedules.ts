// Schedules: kept here, so that an emptied Redis loses none. A night is dealt with by whoever moves
// `processed_until` past it, and is the one to begin until a batch or an error is noted: a kill in between loses nothing.

import type { Due, Schedule } from "../../domain/schedule.ts";
import type { CatalogContext } from "../context.ts";
import { and, asc, eq, lt } from "../db/orm.ts";
import type { Write } from "../db/writer.ts";
import { schedules } from "../schema/batches.ts";

/** What `schedule set` writes; everything else is the schedule's own memory. */
export type ScheduleSetting = Omit<
  Schedule,
  "created_at" | "processed_until" | "last_due_at" | "last_batch_id" | "last_error" | "paused"
>;

export interface Schedules {
  /** Sets a schedule; nights that were due before now are none of its business. What it remembers stays. */
  set(setting: ScheduleSetting): Promise<Schedule>;
  /** False where there is none of this name. */
  remove(name: string): Promise<boolean>;
  /** Pauses or resumes. Nights of the pause are not made up for. Undefined where there is none of this name. */
  pause(name: string, paused: boolean): Promise<Schedule | undefined>;
  find(name: string): Schedule | undefined;
  list(): Schedule[];
  /** Deals with the nights up to `until` and makes `due` the one to begin; true for one process only. */
  claimRun(name: string, night: Due): Promise<boolean>;
  /** Makes this the night to begin, outside of the cron line. Undefined where there is no such schedule. */
  requestRun(name: string, due: number): Promise<Schedule | undefined>;
  /** How the beginning of a night went. Of a night that is not the present one nothing is noted. */
  recordRun(name: string, night: { due: number; batchId: string | null; error: string | null }): Promise<void>;
}

export function createSchedules(context: CatalogContext, write: Write): Schedules {
  const find = (name: string) => context.db.select().from(schedules).where(eq(schedules.name, name)).get();
  return {
    set: (setting) => write(() => setSchedule(context, setting)),
    remove: (name) => write(() => context.db.delete(schedules).where(eq(schedules.name, name)).run().changes === 1),
    pause: (name, paused) =>
      write(() => {
        const nights = paused ? {} : { processed_until: context.now() };
        context.db
          .update(schedules)
          .set({ paused, ...nights })
          .where(eq(schedules.name, name))
          .run();
        return find(name);
      }),
    find,
    list: () => context.db.select().from(schedules).orderBy(asc(schedules.name)).all(),
    claimRun: (name, night) => write(() => deal(context, name, night)),
    requestRun: (name, due) =>
      write(() => {
        context.db.update(schedules).set(toBegin(due)).where(eq(schedules.name, name)).run();
        return find(name);
      }),
    recordRun: (name, { due, batchId, error }) =>
      write(() => {
        context.db
          .update(schedules)
          .set({ last_batch_id: batchId, last_error: error })
          .where(and(eq(schedules.name, name), eq(schedules.last_due_at, due)))
          .run();
      }),
  };
}

function setSchedule(context: CatalogContext, setting: ScheduleSetting): Schedule {
  const now = context.now();
  const before = context.db.select().from(schedules).where(eq(schedules.name, setting.name)).get();
  // the same times as before: a night that is due just now must not be lost to a deploy that sets its schedules anew
  const sameTimes = before !== undefined && before.cron === setting.cron && before.tz === setting.tz;
  const processed_until = sameTimes ? before.processed_until : now;
  return context.db
    .insert(schedules)
    .values({ ...setting, paused: false, created_at: now, processed_until })
    .onConflictDoUpdate({ target: schedules.name, set: { ...setting, processed_until } })
    .returning()
    .get() as Schedule;
}

// with neither a batch nor an error it is still to begin: see isPending
function toBegin(due: number) {
  return { last_due_at: due, last_batch_id: null, last_error: null };
}

function deal(context: CatalogContext, name: string, { due, until }: Due): boolean {
  const dealt = context.db
    .update(schedules)
    .set({ processed_until: until, ...(due === undefined ? {} : toBegin(due)) })
    .where(and(eq(schedules.name, name), eq(schedules.paused, false), lt(schedules.processed_until, until)))
    .run();
  return dealt.changes === 1;
}
