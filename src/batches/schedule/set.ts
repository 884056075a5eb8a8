// From what was typed to a schedule that can run: everything about it is checked now, and not at night. A schedule that is
// there keeps whatever is not named.
import { resolve } from "node:path";
import type { App } from "../../app/app.ts";
import type { ScheduleSetting } from "../../catalog/batches/schedules.ts";
import { RejectedError } from "../../domain/errors.ts";
import { httpUrlFault, redactUrl, withoutQuery } from "../../domain/request/http-url.ts";
import type { Schedule } from "../../domain/schedule.ts";
import { nextCronTime } from "../../queue/schedule-jobs.ts";
import { LIFTED, toLimits } from "../run/limits.ts";
import { isTimeZone, localTimeZone } from "../run/window.ts";

/** The flags of `schedule set`. Of the optional ones "none" takes away what was set. */
export interface ScheduleFlags {
  cron?: string;
  tz?: string;
  manifest?: string;
  format?: string;
  collection?: string;
  tag?: string[];
  window?: string;
  budget?: string;
  maxImages?: string;
  webhookUrl?: string;
  missed?: "late" | "skip" | "none";
  strict?: boolean;
}

/** One field that `schedule set` changed, as it is shown. */
export interface ScheduleChange {
  field: keyof ScheduleSetting;
  from: string | number | boolean | null;
  to: string | number | boolean | null;
}

const NAME = /^[A-Za-z0-9._-]{1,60}$/;

/** The schedule of these flags over what is set already. Throws a RejectedError that names the flag. */
export function toSchedule(app: App, name: string, flags: ScheduleFlags): ScheduleSetting {
  if (!NAME.test(name)) throw wrong(`name: wanted 1 to 60 of the characters A-Z a-z 0-9 . _ -, got "${name}"`);
  const before = app.catalog().schedules.find(name);
  const setting: ScheduleSetting = {
    name,
    cron: required("--cron", flags.cron?.trim() ?? before?.cron, name),
    tz: given(flags.tz, before?.tz) ?? localTimeZone(),
    manifest:
      flags.manifest === undefined ? required("--manifest", before?.manifest, name) : toManifest(flags.manifest),
    format: given(flags.format, before?.format),
    collection: given(flags.collection, before?.collection),
    tags: toTags(flags.tag, before?.tags),
    window: given(flags.window, before?.window),
    budget: given(flags.budget, before?.budget),
    max_images: toMaxImages(flags.maxImages, before?.max_images),
    webhook_url: given(flags.webhookUrl, before?.webhook_url),
    strict: flags.strict ?? before?.strict ?? false,
    missed: toMissed(flags.missed, before?.missed),
  };
  check(app, setting, flags);
  return setting;
}

/** What differs, in the order of the fields. Secrets in addresses are left out. */
export function listChanges(before: Schedule | undefined, setting: ScheduleSetting): ScheduleChange[] {
  if (before === undefined) return [];
  const fields = (Object.keys(setting) as (keyof ScheduleSetting)[]).filter(
    (field) => JSON.stringify(before[field]) !== JSON.stringify(setting[field]),
  );
  return fields.map((field) => ({ field, from: shown(field, before[field]), to: shown(field, setting[field]) }));
}

/** The address of a manifest without its query, which may be a signature. */
export function shownManifest(manifest: string): string {
  return /^https?:/i.test(manifest) ? withoutQuery(manifest) : manifest;
}

function shown(field: keyof ScheduleSetting, value: ScheduleSetting[keyof ScheduleSetting]): ScheduleChange["from"] {
  if (field === "manifest" && typeof value === "string") return shownManifest(value);
  if (field === "webhook_url") return redactUrl(value as string | null);
  return Array.isArray(value) ? value.join(", ") : value;
}

function given(flag: string | undefined, before: string | null | undefined): string | null {
  if (flag === undefined) return before ?? null;
  return flag === LIFTED ? null : flag;
}

function required(flag: string, value: string | undefined, name: string): string {
  if (value !== undefined) return value;
  throw wrong(`${flag}: required, as there is no schedule "${name}" yet`);
}

function toTags(tags: string[] | undefined, before: string[] | null | undefined): string[] | null {
  if (tags === undefined) return before ?? null;
  if (!tags.includes(LIFTED)) return tags;
  if (tags.length === 1) return null;
  throw wrong('--tag: expected tags, or "none" alone');
}

function toMaxImages(flag: string | undefined, before: number | null | undefined): number | null {
  if (flag === undefined) return before ?? null;
  return toLimits({ maxImages: flag }, { price: undefined, now: 0 }).max_images ?? null;
}

function toMissed(flag: ScheduleFlags["missed"], before: "late" | "skip" | undefined): "late" | "skip" {
  if (flag === undefined) return before ?? "late";
  return flag === "none" ? "late" : flag;
}

function check(app: App, { cron, tz, window, budget }: ScheduleSetting, { webhookUrl }: ScheduleFlags): void {
  if (!isTimeZone(tz)) throw wrong(`--tz: wanted a time zone such as Europe/Berlin, got "${tz}"`);
  checkCron({ cron, tz }, app.clock.now());
  const webhookFault = webhookUrl === undefined || webhookUrl === LIFTED ? undefined : httpUrlFault(webhookUrl);
  if (webhookFault !== undefined) throw wrong(`--webhook-url: ${webhookFault}`);
  const limits = { ...(window === null ? {} : { window, tz }), ...(budget === null ? {} : { budget }) };
  toLimits(limits, { price: app.settings.pricePerImage, now: app.clock.now() });
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
  if (where === "-")
    throw wrong('--manifest: wanted a file, s3://bucket/key or https://…, got "-": schedules run unattended');
  if (/^[a-z0-9+]+:\/\/[^/]*@/i.test(where)) throw wrong("--manifest: wanted an address without user and password");
  const fault = /^https?:/i.test(where) ? httpUrlFault(where) : undefined;
  if (fault !== undefined) throw wrong(`--manifest: ${fault}`);
  return /^[a-z0-9+]+:\/\//i.test(where) ? where : resolve(where);
}

function wrong(message: string, cause?: unknown): RejectedError {
  return new RejectedError(message, { code: "invalid_request", cause });
}
