// One night: the manifest is read when it begins, and becomes a batch that also takes over what earlier nights left undone.
import type { App } from "../../app/app.ts";
import type { BatchChange } from "../../catalog/batches/batches.ts";
import { RejectedError } from "../../domain/errors.ts";
import { isPending, type Schedule } from "../../domain/schedule.ts";
import { describeFaultList } from "../manifest/faults.ts";
import type { ManifestFormat } from "../manifest/format.ts";
import { openManifest } from "../manifest/open.ts";
import { checkManifest } from "../run/check-manifest.ts";
import { enqueueManifest } from "../run/enqueue.ts";
import { openItemSpool } from "../run/item-spool.ts";
import { toLimits } from "../run/limits.ts";

/** Of the faults in a manifest so many go to the log. */
const LOGGED_FAULTS = 10;

/**
 * Begins a night and notes its batch. A night that has begun already, or is not the present one, is left alone; one that a
 * kill cut short goes on in the same batch. Throws where the manifest cannot be read or the limits do not fit.
 */
export async function startRun(app: App, night: { name: string; due: number }, signal: AbortSignal): Promise<void> {
  const { schedules } = app.catalog();
  const schedule = schedules.find(night.name);
  if (schedule === undefined || schedule.last_due_at !== night.due || !isPending(schedule)) return;
  const limits = limitsOf(app, schedule);
  const source = await openManifest(schedule.manifest, { settings: app.settings, signal });
  const kept = await openItemSpool();
  try {
    const manifest = {
      format: (schedule.format ?? undefined) as ManifestFormat | undefined,
      collection: schedule.collection ?? undefined,
      tags: schedule.tags ?? undefined,
    };
    const check = await checkManifest(source, { kept, catalog: app.catalog(), manifest, signal });
    if (check.invalid > 0) tellFaults(app, { schedule, lines: describeFaultList(check.name, check.faults), check });
    const occasion = new Date(night.due).toISOString();
    const { batch } = await enqueueManifest(app, {
      kept,
      manifest,
      check,
      occasion,
      batch: { batch_id: batchIdOf(night), name: schedule.name, schedule: schedule.name, ...limits },
      signal,
    });
    // told to stop in the middle: the next worker goes on
    if (batch.state === "enqueuing") throw new Error("This worker is stopping; another one goes on");
    await schedules.recordRun(schedule.name, { due: night.due, batchId: batch.batch_id, error: null });
    app.log.info(
      { schedule: schedule.name, due: occasion, batch_id: batch.batch_id, items: batch.items },
      "a night has begun",
    );
  } finally {
    await kept.remove();
  }
}

function limitsOf(app: App, schedule: Schedule): BatchChange {
  const { window, tz, budget, max_images, webhook_url } = schedule;
  const price = app.settings.pricePerImage;
  const flags = {
    ...(window === null ? {} : { window, tz }),
    ...(budget === null ? {} : { budget }),
    ...(max_images === null ? {} : { maxImages: String(max_images) }),
  };
  return {
    ...toLimits(flags, { price, now: app.clock.now() }),
    webhook_url,
    ...(price === undefined ? {} : { price_micros: price.micros, price_currency: price.currency }),
  };
}

function tellFaults(
  app: App,
  { schedule, lines, check }: { schedule: Schedule; lines: string[]; check: { invalid: number; items: number } },
): void {
  const fields = { schedule: schedule.name, invalid: check.invalid, faults: lines.slice(0, LOGGED_FAULTS) };
  if (!schedule.strict) {
    app.log.warn(fields, "a manifest has items that are wrong; the night goes on without them");
    return;
  }
  const message = `Cannot begin the night of "${schedule.name}": ${check.invalid} of ${check.items} items are wrong: ${lines[0] ?? ""}`;
  throw new RejectedError(message, { code: "invalid_manifest" });
}

/** The same for the same night, to the second: one that is begun again finds its batch. */
function batchIdOf({ name, due }: { name: string; due: number }): string {
  const digits = new Date(due).toISOString().replace(/\D/g, "");
  return `${name}-${digits.slice(0, 8)}-${digits.slice(8, 14)}`;
}
