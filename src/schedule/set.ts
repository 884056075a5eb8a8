// From what was typed to a schedule that can run: everything about it is checked now, and not at night.
import { resolve } from "node:path";
import type { App } from "../app.ts";
import { toLimits } from "../batch/limits.ts";
import { isTimeZone, localTimeZone } from "../batch/window.ts";
import type { ScheduleSetting } from "../catalog/schedules.ts";
import { RejectedError } from "../errors.ts";
import { nextCronTime } from "../queue/schedule-jobs.ts";
import { httpUrlFault } from "../request/http-url.ts";

/** The flags of `schedule set`. */
export interface ScheduleFlags {
  cron: string;
  tz?: string;
  manifest: string;
  format?: string;
  collection?: string;
  tag?: string[];
  window?: string;
  budget?: string;
  maxImages?: string;
  webhookUrl?: string;
  missed?: "late" | "skip";
  strict?: boolean;
}

const NAME = /^[A-Za-z0-9._-]{1,60}$/;

/** The schedule of these flags. Throws a RejectedError that names the flag. */
export function toSchedule(app: App, name: string, flags: ScheduleFlags): ScheduleSetting {
  if (!NAME.test(name)) throw wrong(`name: wanted 1 to 60 of the characters A-Z a-z 0-9 . _ -, got "${name}"`);
  const { cron, tz = localTimeZone(), window, budget, maxImages, webhookUrl } = flags;
  if (!isTimeZone(tz)) throw wrong(`--tz: wanted a time zone such as Europe/Berlin, got "${tz}"`);
  checkCron({ cron, tz }, app.clock.now());
  const webhookFault = webhookUrl === undefined ? undefined : httpUrlFault(webhookUrl);
  if (webhookFault !== undefined) throw wrong(`--webhook-url: ${webhookFault}`);
  const given = { ...(window === undefined ? {} : { window, tz }), ...(budget === undefined ? {} : { budget }) };
  toLimits(given, { price: app.settings.pricePerImage, now: app.clock.now() });
  const images = toLimits(maxImages === undefined ? {} : { maxImages }, { price: undefined, now: 0 });
  return {
    name,
    cron: cron.trim(),
    tz,
    manifest: toManifest(flags.manifest),
    format: flags.format ?? null,
    collection: flags.collection ?? null,
    tags: flags.tag ?? null,
    window: window ?? null,
    budget: budget ?? null,
    max_images: images.max_images ?? null,
    webhook_url: webhookUrl ?? null,
    strict: flags.strict ?? false,
    missed: flags.missed ?? "late",
  };
}

// six fields would begin with the seconds: "0 3 * * * *" is every hour, which nobody means who writes it
function checkCron(line: { cron: string; tz: string }, now: number): void {
  const wanted = 'wanted five fields such as "0 1 * * *" (minute, hour, day, month, weekday)';
  const fields = line.cron.trim().split(/\s+/).length;
  if (fields !== 5) throw wrong(`--cron: ${wanted}, got ${fields} in "${line.cron}"`);
  try {
    if (nextCronTime(line, now) !== undefined) return;
  } catch (cause) {
    throw wrong(`--cron: ${wanted}, got "${line.cron}"`, cause);
  }
  throw wrong(`--cron: wanted a time that comes, got "${line.cron}"`);
}

// the worker that reads it at night stands in another folder
function toManifest(where: string): string {
  if (where === "-") throw wrong("--manifest: wanted a file, s3://bucket/key or https://…: nobody types at night");
  const fault = /^https?:/i.test(where) ? httpUrlFault(where) : undefined;
  if (fault !== undefined) throw wrong(`--manifest: ${fault}`);
  return /^[a-z0-9+]+:\/\//i.test(where) ? where : resolve(where);
}

function wrong(message: string, cause?: unknown): RejectedError {
  return new RejectedError(message, { code: "invalid_request", cause });
}
