// What the next run of a schedule would do, as its manifest is now. Reads, changes nothing.
import type { App } from "../../app/app.ts";
import type { ScheduleSetting } from "../../catalog/batches/schedules.ts";
import { parsePrice } from "../../domain/units.ts";
import type { FaultList } from "../manifest/faults.ts";
import type { ManifestFormat } from "../manifest/format.ts";
import { readManifest } from "../manifest/manifest.ts";
import { openManifest } from "../manifest/open.ts";
import { type Forecast, forecast, type Limits } from "../plan/forecast.ts";
import { type Tally, tallyManifest, type Work } from "../plan/tally.ts";
import { toLimits } from "../run/limits.ts";

export interface SchedulePlan {
  /** The manifest, for people. */
  name: string;
  tally: Tally;
  work: Work;
  faults: FaultList;
  forecast: Forecast;
}

/** Reads the manifest of a schedule to its end. Throws where it cannot be opened or read. */
export async function planSchedule(app: App, setting: ScheduleSetting, signal: AbortSignal): Promise<SchedulePlan> {
  const source = await openManifest(setting.manifest, { settings: app.settings, signal });
  const options = {
    format: (setting.format ?? undefined) as ManifestFormat | undefined,
    collection: setting.collection ?? undefined,
    tags: setting.tags ?? undefined,
  };
  const tallied = await tallyManifest(readManifest(source, options), { lookUp: app.catalog().getManifestStatus });
  const { pricePerImage, generate } = app.settings;
  const pace = { ...generate, experience: app.catalog().durationHistory() };
  const future = forecast(tallied.work, { pace, pricePerImage, limits: limitsOf(app, setting) });
  return { name: source.name, ...tallied, forecast: future };
}

function limitsOf(app: App, { window: hours, tz, budget, max_images }: ScheduleSetting): Limits {
  const now = app.clock.now();
  const flags = hours === null ? {} : { window: hours, tz };
  const { opens_at, closes_at } = toLimits(flags, { price: undefined, now });
  return {
    window: hours && opens_at && closes_at ? { hours, tz, opens_at, closes_at, now } : undefined,
    budget: budget === null ? undefined : parsePrice(budget),
    maxImages: max_images ?? undefined,
  };
}
