// What the work of a plan takes: money, time and disk, and whether that fits. Pure.
import type { DurationHistory } from "../../catalog/batches/manifest-status.ts";
import { type Money, type Price, toMoney } from "../../domain/units.ts";
import type { Work } from "./tally.ts";

/** What stands in for experience, until there is some: a call's time in ms, an image's size in bytes. */
const ASSUMED_CALL_MS = 20_000;
const ASSUMED_IMAGE_BYTES = 2 * 1024 ** 2;

export interface Limits {
  /** The hours of a night as they were given, and the next of them; times: ms since 1970. */
  window?: { hours: string; tz: string; opens_at: number; closes_at: number; now: number } | undefined;
  budget?: Price | undefined;
  maxImages?: number | undefined;
}

/** How fast calls are made: by the rate limit over all workers, and by one worker's concurrency. */
export interface Pace {
  rateLimit: { max: number; durationMs: number } | undefined;
  concurrency: number;
  experience: DurationHistory;
}

export interface Forecast {
  /** null where no price per image is set. */
  price: Money | null;
  /** How long the calls take, and what that was reckoned from. */
  seconds: number;
  seconds_from: "rate_limit" | "observed_calls" | "assumed_calls";
  bytes: number;
  bytes_from: "observed_images" | "assumed_images";
  /** null where no such limit was given. */
  window: { hours: string; tz: string; opens_at: number; closes_at: number; nights: number; fits: boolean } | null;
  budget: (Money & { fits: boolean }) | null;
  max_images: { images: number; fits: boolean } | null;
  /** Whether it fits all the limits that were given; null where none was. */
  fits: boolean | null;
}

/** Reckons a plan's work. A budget needs a `pricePerImage` of the same currency. */
export function forecast(
  work: Work,
  options: { pace: Pace; pricePerImage: Price | undefined; limits: Limits },
): Forecast {
  const { pace, pricePerImage, limits } = options;
  const { budget, maxImages } = limits;
  const priceMicros = pricePerImage === undefined ? undefined : pricePerImage.micros * work.images;
  const time = timeOf(work.calls, pace);
  const window = limits.window === undefined ? null : windowOf(time.seconds, limits.window);
  const judged = {
    window,
    budget: budget === undefined ? null : { ...toMoney(budget), fits: (priceMicros ?? 0) <= budget.micros },
    max_images: maxImages === undefined ? null : { images: maxImages, fits: work.images <= maxImages },
  };
  const verdicts = Object.values(judged).filter((limit) => limit !== null);
  return {
    price: pricePerImage === undefined ? null : toMoney({ ...pricePerImage, micros: priceMicros ?? 0 }),
    ...time,
    ...bytesOf(work, pace.experience),
    ...judged,
    fits: verdicts.length === 0 ? null : verdicts.every(({ fits }) => fits),
  };
}

/** The slower of the two bounds: the rate that the fleet keeps, and what one worker's calls take side by side. */
function timeOf(
  calls: number,
  { rateLimit, concurrency, experience }: Pace,
): Pick<Forecast, "seconds" | "seconds_from"> {
  const callMs = experience.median_call_ms ?? ASSUMED_CALL_MS;
  // a call's time is not divided among fewer calls than there are places
  const byCallsMs = Math.ceil(calls / concurrency) * callMs;
  const byRateMs = rateLimit === undefined ? 0 : (calls * rateLimit.durationMs) / rateLimit.max;
  const seconds = Math.ceil(Math.max(byCallsMs, byRateMs) / 1000);
  if (byRateMs > byCallsMs) return { seconds, seconds_from: "rate_limit" };
  return { seconds, seconds_from: experience.median_call_ms === null ? "assumed_calls" : "observed_calls" };
}

function bytesOf(work: Work, { mean_bytes }: DurationHistory): Pick<Forecast, "bytes" | "bytes_from"> {
  const known = [...mean_bytes.values()];
  // a ratio that was never made is taken for the mean of the others
  const usual = known.length === 0 ? ASSUMED_IMAGE_BYTES : known.reduce((sum, mean) => sum + mean, 0) / known.length;
  const bytes = [...work.imagesByAspectRatio].reduce(
    (sum, [ratio, images]) => sum + images * (mean_bytes.get(ratio) ?? usual),
    0,
  );
  return { bytes: Math.round(bytes), bytes_from: known.length === 0 ? "assumed_images" : "observed_images" };
}

/** The first night may have begun already; those after it are taken to be as long as it is. */
function windowOf(seconds: number, window: NonNullable<Limits["window"]>): NonNullable<Forecast["window"]> {
  const { now, ...rest } = window;
  const { opens_at, closes_at } = window;
  const leftMs = seconds * 1000 - (closes_at - Math.max(opens_at, now));
  const nights = leftMs <= 0 ? 1 : 1 + Math.ceil(leftMs / (closes_at - opens_at));
  return { ...rest, nights, fits: nights === 1 };
}
