// The limits of a batch (--window, --tz, --budget, --max-images), from what was typed to what is recorded. Pure.
import type { BatchChange } from "../../catalog/batches/batches.ts";
import { imagesWithin } from "../../domain/batch.ts";
import { RejectedError } from "../../domain/errors.ts";
import { formatPrice, type Price, parsePrice } from "../../domain/units.ts";
import { isTimeZone, localTimeZone, occurrenceAt, parseWindow } from "./window.ts";

/** The flags as they were typed. */
export interface LimitFlags {
  window?: string;
  tz?: string;
  budget?: string;
  maxImages?: string;
}

/** The value of a flag that takes its limit away. */
export const LIFTED = "none";

/** What is to be recorded. Flags that were not given change nothing. Throws a RejectedError that names the flag. */
export function toLimits(
  flags: LimitFlags,
  { price, now }: { price: Price | undefined; now: number },
): Pick<BatchChange, "window" | "tz" | "opens_at" | "closes_at" | "max_images"> {
  return { ...toWindow(flags, now), ...toMaxImages(flags, price) };
}

function toWindow({ window: text, tz = localTimeZone() }: LimitFlags, now: number) {
  if (text === undefined) return {};
  if (text === LIFTED) return { window: null, tz: null, opens_at: null, closes_at: null };
  if (!isTimeZone(tz)) throw wrong(`--tz: wanted a time zone such as Europe/Berlin, got "${tz}"`);
  const window = parseWindow(text, tz);
  if (window === undefined) throw wrong(`--window: wanted two times such as 01:00-06:00, got "${text}"`);
  return { window: text, tz, ...occurrenceAt(window, now) };
}

function toMaxImages({ budget, maxImages }: LimitFlags, price: Price | undefined) {
  const given = [budget, maxImages].filter((flag) => flag !== undefined);
  if (given.length === 0) return {};
  const limits = [
    ...(budget === undefined || budget === LIFTED ? [] : [toImages(budget, price)]),
    ...(maxImages === undefined || maxImages === LIFTED ? [] : [toCount(maxImages)]),
  ];
  return { max_images: limits.length === 0 ? null : Math.min(...limits) };
}

function toImages(text: string, price: Price | undefined): number {
  const budget = parsePrice(text);
  if (budget === undefined) throw wrong(`--budget: wanted a price such as "20 USD", got "${text}"`);
  if (price === undefined) {
    throw wrong("--budget: wanted PRICE_PER_IMAGE to be set, such as 0.02 USD; or use --max-images");
  }
  const images = imagesWithin(budget, price);
  if (images !== undefined) return images;
  throw wrong(`--budget: wanted ${price.currency}, as PRICE_PER_IMAGE (${formatPrice(price)}) has it, got "${text}"`);
}

function toCount(text: string): number {
  if (/^\d{1,12}$/.test(text)) return Number(text);
  throw wrong(`--max-images: wanted a whole number, got "${text}"`);
}

function wrong(message: string): RejectedError {
  return new RejectedError(message, { code: "invalid_request" });
}
