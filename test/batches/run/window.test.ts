import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type DailyWindow,
  firstInstantAt,
  occurrenceAt,
  parseWindow,
  toWallClock,
} from "../../../src/batches/run/window.ts";

const BERLIN = "Europe/Berlin";
const HOUR = 3_600_000;

function windowOf(text: string, tz = BERLIN): DailyWindow {
  const window = parseWindow(text, tz);
  if (window === undefined) throw new Error(`no window: ${text}`);
  return window;
}

function show({ opens_at, closes_at }: { opens_at: number; closes_at: number }): string {
  return `${new Date(opens_at).toISOString()} ${new Date(closes_at).toISOString()}`;
}

describe("a window is read", () => {
  test.each([
    ["01:00-06:00", 60, 360],
    ["1:00 - 6:30", 60, 390],
    ["22:00–06:00", 1320, 360],
    ["18:00-24:00", 1080, 0],
    ["00:00-24:00", 0, 0],
    ["25:00-26:00", undefined, undefined],
    ["01:60-02:00", undefined, undefined],
    ["01:00-01:00", undefined, undefined],
    ["24:00-02:00", undefined, undefined],
    ["tonight", undefined, undefined],
  ])("from %s", (text, fromMinute, toMinute) => {
    const window = parseWindow(text, BERLIN);
    expect([window?.fromMinute, window?.toMinute]).toEqual([fromMinute, toMinute]);
  });

  test("but not in a time zone that nobody knows", () => {
    expect(parseWindow("01:00-06:00", "Europe/Atlantis")).toBeUndefined();
  });
});

describe("the occurrence that is open or next", () => {
  test.each([
    ["before it opens", "01:00-06:00", "2026-07-10T20:00:00Z", "2026-07-10T23:00:00.000Z 2026-07-11T04:00:00.000Z"],
    ["while it is open", "01:00-06:00", "2026-07-11T01:00:00Z", "2026-07-10T23:00:00.000Z 2026-07-11T04:00:00.000Z"],
    [
      "at its first instant",
      "01:00-06:00",
      "2026-07-10T23:00:00Z",
      "2026-07-10T23:00:00.000Z 2026-07-11T04:00:00.000Z",
    ],
    [
      "at the first instant after",
      "01:00-06:00",
      "2026-07-11T04:00:00Z",
      "2026-07-11T23:00:00.000Z 2026-07-12T04:00:00.000Z",
    ],
    [
      "over midnight, before it",
      "22:00-06:00",
      "2026-01-10T22:30:00Z",
      "2026-01-10T21:00:00.000Z 2026-01-11T05:00:00.000Z",
    ],
    [
      "over midnight, after it",
      "22:00-06:00",
      "2026-01-11T02:00:00Z",
      "2026-01-10T21:00:00.000Z 2026-01-11T05:00:00.000Z",
    ],
    [
      "the night of 23 hours",
      "22:00-06:00",
      "2026-03-28T22:00:00Z",
      "2026-03-28T21:00:00.000Z 2026-03-29T04:00:00.000Z",
    ],
    [
      "the night of 25 hours",
      "22:00-06:00",
      "2026-10-24T22:00:00Z",
      "2026-10-24T20:00:00.000Z 2026-10-25T05:00:00.000Z",
    ],
    [
      "opening in the hour that is skipped",
      "02:30-06:00",
      "2026-03-28T23:00:00Z",
      "2026-03-29T01:00:00.000Z 2026-03-29T04:00:00.000Z",
    ],
    [
      "closing in the hour that is skipped",
      "01:00-02:30",
      "2026-03-28T23:00:00Z",
      "2026-03-29T00:00:00.000Z 2026-03-29T01:00:00.000Z",
    ],
    [
      "wholly in the hour that is skipped",
      "02:10-02:50",
      "2026-03-28T23:00:00Z",
      "2026-03-30T00:10:00.000Z 2026-03-30T00:50:00.000Z",
    ],
    [
      "opening in the hour that comes twice",
      "02:30-06:00",
      "2026-10-24T22:00:00Z",
      "2026-10-25T00:30:00.000Z 2026-10-25T05:00:00.000Z",
    ],
    [
      "closing in the hour that comes twice",
      "01:00-02:30",
      "2026-10-24T22:00:00Z",
      "2026-10-24T23:00:00.000Z 2026-10-25T00:30:00.000Z",
    ],
  ])("%s", (_, text, now, wanted) => {
    expect(show(occurrenceAt(windowOf(text), Date.parse(now)))).toBe(wanted);
  });
});

const zones = fc.constantFrom(
  BERLIN,
  "America/New_York",
  "Australia/Lord_Howe",
  "Asia/Kathmandu",
  "UTC",
  "America/Santiago",
);
const instants = fc.integer({ min: Date.UTC(2024, 0, 1), max: Date.UTC(2030, 0, 1) });

test("an occurrence ends after now, never lasts over 25 hours, and stays the same until it ends", () => {
  const minutes = fc.integer({ min: 0, max: 1439 });
  fc.assert(
    fc.property(
      zones,
      instants,
      minutes,
      minutes,
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      (tz, now, fromMinute, toMinute, share) => {
        fc.pre(fromMinute !== toMinute);
        const window = { fromMinute, toMinute, tz };
        const occurrence = occurrenceAt(window, now);
        expect(occurrence.closes_at).toBeGreaterThan(now);
        expect(occurrence.closes_at - occurrence.opens_at).toBeLessThanOrEqual(25 * HOUR);
        const later = Math.floor(now + share * (occurrence.closes_at - now));
        expect(occurrenceAt(window, later)).toEqual(occurrence);
      },
    ),
  );
});

test("at the first instant the clock shows the time, or has just been put past it", () => {
  fc.assert(
    fc.property(zones, instants, (tz, wall) => {
      const instant = firstInstantAt(wall, tz);
      expect(toWallClock(instant, tz)).toBeGreaterThanOrEqual(wall);
      expect(toWallClock(instant - 1, tz)).toBeLessThan(wall);
    }),
  );
});
