import { describe, expect, test } from "vitest";
import { forecast, type Limits, type Pace } from "../../../src/batches/plan/forecast.ts";
import type { Work } from "../../../src/batches/plan/tally.ts";

const NO_EXPERIENCE = { median_call_ms: null, mean_bytes: new Map<string, number>() };
const PACE: Pace = { rateLimit: undefined, concurrency: 10, experience: NO_EXPERIENCE };

const workOf = (calls: number, images = calls): Work => ({
  calls,
  images,
  imagesByAspectRatio: new Map([["1:1", images]]),
});

function reckon(work: Work, options: { pace?: Partial<Pace>; limits?: Limits; price?: number } = {}) {
  const { pace, limits = {}, price } = options;
  return forecast(work, {
    pace: { ...PACE, ...pace },
    pricePerImage: price === undefined ? undefined : { micros: price, currency: "USD" },
    limits,
  });
}

describe("time", () => {
  const observed = { median_call_ms: 5_000, mean_bytes: new Map<string, number>() };
  test.each([
    ["nothing to do", 0, {}, 0, "assumed_calls"],
    ["one call", 1, {}, 20, "assumed_calls"],
    ["a round of calls side by side", 10, {}, 20, "assumed_calls"],
    ["one call more than a round", 11, {}, 40, "assumed_calls"],
    ["calls as they were lately", 100, { experience: observed }, 50, "observed_calls"],
    [
      "a rate limit that is slower",
      100,
      { experience: observed, rateLimit: { max: 60, durationMs: 60_000 } },
      100,
      "rate_limit",
    ],
    [
      "a rate limit that is faster",
      100,
      { experience: observed, rateLimit: { max: 100, durationMs: 1_000 } },
      50,
      "observed_calls",
    ],
  ])("of %s", (_, calls, pace, seconds, seconds_from) => {
    expect(reckon(workOf(calls), { pace })).toMatchObject({ seconds, seconds_from });
  });
});

describe("disk", () => {
  test("is assumed until images are known, then each ratio weighs what it weighed", () => {
    expect(reckon(workOf(3))).toMatchObject({ bytes: 6 * 1024 ** 2, bytes_from: "assumed_images" });
    const experience = {
      median_call_ms: null,
      mean_bytes: new Map([
        ["1:1", 100],
        ["16:9", 300],
      ]),
    };
    const work = {
      calls: 3,
      images: 6,
      imagesByAspectRatio: new Map([
        ["1:1", 1],
        ["16:9", 2],
        ["9:16", 3],
      ]),
    };
    expect(reckon(work, { pace: { experience } })).toMatchObject({
      bytes: 100 + 600 + 600,
      bytes_from: "observed_images",
    });
  });
});

describe("money", () => {
  test("is exact, and unknown without a price", () => {
    expect(reckon(workOf(3)).price).toBeNull();
    expect(reckon(workOf(3, 7), { price: 20_001 }).price).toEqual({ amount: 0.140007, currency: "USD" });
  });

  test.each([
    [140_000, true],
    [139_999, false],
  ])("7 images at 0.02 in a budget of %d millionths fit: %s", (micros, fits) => {
    const future = reckon(workOf(7), { price: 20_000, limits: { budget: { micros, currency: "USD" } } });
    expect(future.budget).toEqual({ amount: micros / 1e6, currency: "USD", fits });
    expect(future.fits).toBe(fits);
  });
});

describe("a window", () => {
  const HOUR = 3_600_000;
  const at = (now: number) => ({ hours: "01:00-06:00", tz: "UTC", opens_at: 10 * HOUR, closes_at: 15 * HOUR, now });
  // 20 s for ten calls: 1800 calls an hour
  test.each([
    ["the whole night, before it", 9_000, 0, 1],
    ["a call more than the night has", 9_001, 0, 2],
    ["what is left of a night that has begun", 5_400, 12 * HOUR, 1],
    ["more than what is left of it", 5_401, 12 * HOUR, 2],
    ["many nights", 90_000, 0, 10],
    ["nothing", 0, 0, 1],
  ])("%s: %d calls at %d take %d nights", (_, calls, now, nights) => {
    const { window } = reckon(workOf(calls), { limits: { window: at(now) } });
    expect(window).toEqual({
      hours: "01:00-06:00",
      tz: "UTC",
      opens_at: 10 * HOUR,
      closes_at: 15 * HOUR,
      nights,
      fits: nights === 1,
    });
  });
});

test("all limits have to fit; without any there is nothing to say", () => {
  expect(reckon(workOf(5)).fits).toBeNull();
  expect(reckon(workOf(5), { limits: { maxImages: 5 } })).toMatchObject({
    max_images: { images: 5, fits: true },
    fits: true,
  });
  const budget = { micros: 1, currency: "USD" };
  expect(reckon(workOf(5), { price: 1, limits: { maxImages: 5, budget } })).toMatchObject({ fits: false });
});
