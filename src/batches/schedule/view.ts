// How a schedule looks to whoever asks: `schedule list`, and programs.
import type { App } from "../../app/app.ts";
import { redactUrl } from "../../domain/request/http-url.ts";
import { isPending, type Schedule } from "../../domain/schedule.ts";
import { type Money, parsePrice, toMoney } from "../../domain/units.ts";
import type { BatchView } from "../../output/report/batch-view.ts";
import { nextCronTime } from "../../queue/schedule-jobs.ts";
import { getBatchView } from "../run/view.ts";
import { shownManifest } from "./set.ts";

/** A schedule as shown. Times are ISO 8601. */
export interface ScheduleView {
  name: string;
  cron: string;
  tz: string;
  /** Without user, password and query of an address. */
  manifest: string;
  format: string | null;
  collection: string | null;
  tags: string[];
  window: string | null;
  budget: Money | null;
  max_images: number | null;
  /** The host of its webhook: the rest of the address may be a secret. */
  webhook: string | null;
  missed: "late" | "skip";
  strict: boolean;
  paused: boolean;
  /** When the next night is due; null while it is paused. */
  next: string | null;
  last: { due: string; state: "to begin" | "begun" | "failed"; batch: BatchView | null; error: string | null } | null;
}

export function toScheduleView(app: App, schedule: Schedule): ScheduleView {
  const { name, cron, tz, collection, tags, window, budget, max_images, missed, strict, paused } = schedule;
  const next = paused ? undefined : nextCronTime(schedule, app.clock.now());
  return {
    name,
    cron,
    tz,
    manifest: shownManifest(schedule.manifest),
    format: schedule.format,
    collection,
    tags: tags ?? [],
    window,
    budget: moneyOf(budget),
    max_images,
    webhook: redactUrl(schedule.webhook_url),
    missed,
    strict,
    paused,
    next: next === undefined ? null : new Date(next).toISOString(),
    last: lastOf(app, schedule),
  };
}

function moneyOf(budget: string | null): Money | null {
  const price = budget === null ? undefined : parsePrice(budget);
  return price === undefined ? null : toMoney(price);
}

function lastOf(app: App, schedule: Schedule): ScheduleView["last"] {
  const { last_due_at, last_batch_id, last_error: error } = schedule;
  if (last_due_at === null) return null;
  const state = isPending(schedule) ? "to begin" : error === null ? "begun" : "failed";
  const batch = last_batch_id === null ? null : (getBatchView(app, last_batch_id) ?? null);
  return { due: new Date(last_due_at).toISOString(), state, batch, error };
}
