// The part of a worker that minds schedules: a queue of its own, on which nights are begun one at a time, and a watch that
// makes good what Redis forgets.
import type { App } from "../../app/app.ts";
import { ArchiverError, levelOf, RejectedError, TransientError, toMessage } from "../../domain/errors.ts";
import type { Outcome } from "../../pipeline/verdict.ts";
import { RUN_JOB } from "../../queue/schedule-jobs.ts";
import { runScheduleWorker, type StageOptions, type StageWorker } from "../../queue/workers.ts";
import { startRun } from "./run.ts";
import { keepJobSchedulers, watchSchedules } from "./watch.ts";

/** The schedules are looked at this often, in ms: so late a night begins at most when nothing woke us. */
const WATCH_EVERY_MS = 5_000;

/** The tries to begin a night, and the pauses between them (ms): about an hour and a half for a server to come back. */
const PAUSES_MS = [30_000, 60_000, 300_000, 900_000, 1_800_000, 1_800_000];

/** Runs queue "schedule" and the watch until it is closed. */
export function runScheduleStage(app: App, shared: Omit<StageOptions, "concurrency">): StageWorker {
  // one night at a time in a process; two processes cannot begin the same one
  const stage = runScheduleWorker({ ...shared, concurrency: 1 }, async ({ name, data, attempt, signal }) => {
    if (name !== RUN_JOB) {
      await watchSchedules(app);
      return { kind: "done", result: {} };
    }
    return tryNight(app, data as { schedule: string; due: number }, { attempt, signal });
  });
  const watched = watch(app, shared.stopping);
  return {
    ready: stage.ready,
    close: async () => {
      await stage.close();
      await watched;
    },
  };
}

async function tryNight(
  app: App,
  { schedule, due }: { schedule: string; due: number },
  { attempt, signal }: { attempt: number; signal: AbortSignal },
): Promise<Outcome<object>> {
  try {
    await startRun(app, { name: schedule, due }, signal);
    return { kind: "done", result: { schedule, due } };
  } catch (thrown) {
    const error =
      thrown instanceof ArchiverError ? thrown : new TransientError(toMessage(thrown), { code: "night_failed" });
    if (signal.aborted) return { kind: "wait", scope: "request", delayMs: 0, error };
    const delayMs = thrown instanceof RejectedError ? undefined : PAUSES_MS[attempt - 1];
    app.log.error({ schedule, error: error.message, again_in_ms: delayMs ?? null }, "cannot begin a night");
    if (delayMs !== undefined) return { kind: "retry", delayMs, error };
    await app.catalog().schedules.recordRun(schedule, { due, batchId: null, error: error.message });
    return { kind: "exhausted", error };
  }
}

async function watch(app: App, stopping: AbortSignal): Promise<void> {
  while (!stopping.aborted) {
    await keepJobSchedulers(app).catch((error) =>
      app.log[levelOf(error)]({ error: toMessage(error) }, "cannot keep the schedulers"),
    );
    await watchSchedules(app).catch((error) =>
      app.log[levelOf(error)]({ error: toMessage(error) }, "cannot look after schedules"),
    );
    await app.clock.sleep(WATCH_EVERY_MS, stopping);
  }
}
