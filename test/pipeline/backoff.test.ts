import fc from "fast-check";
import { expect, test } from "vitest";
import {
  ARCHIVE_BACKOFF,
  archiveDelayMs,
  backlogDelayMs,
  backoffMs,
  GENERATE_BACKOFF,
} from "../../src/pipeline/backoff.ts";

const attempt = fc.integer({ min: 1, max: 100_000 });
const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

test("a delay lies between 0 and base × 2^(attempt − 1), capped, in whole ms", () => {
  fc.assert(
    fc.property(attempt, random, (attempt, value) => {
      const delayMs = backoffMs(GENERATE_BACKOFF, { attempt, random: () => value });
      const ceiling = Math.min(60_000, 1_000 * 2 ** (attempt - 1));
      expect(delayMs).toBeGreaterThanOrEqual(0);
      expect(delayMs).toBeLessThanOrEqual(ceiling);
      expect(Number.isInteger(delayMs)).toBe(true);
    }),
  );
});

test.each([
  [1, 1_000],
  [2, 2_000],
  [6, 32_000],
  [7, 60_000],
  [5_000, 60_000],
])("the ceiling of attempt %i is %i ms, and all of it is used", (attempt, ceiling) => {
  expect(backoffMs(GENERATE_BACKOFF, { attempt, random: () => 0 })).toBe(0);
  expect(backoffMs(GENERATE_BACKOFF, { attempt, random: () => 1 - 1e-12 })).toBe(ceiling);
});

test("between copies there are always many tries left, however near the loss is, and never a hot loop", () => {
  fc.assert(
    fc.property(attempt, fc.integer({ min: -1e9, max: 1e10 }), random, (attempt, msToExpiry, value) => {
      const delayMs = archiveDelayMs({ attempt, msToExpiry, random: () => value });
      expect(delayMs).toBeGreaterThanOrEqual(200);
      expect(delayMs).toBeLessThanOrEqual(Math.max(200, Math.ceil(msToExpiry / 20)));
      expect(delayMs).toBeLessThanOrEqual(ARCHIVE_BACKOFF.capMs);
    }),
  );
});

test("a week of a store's absence leaves hundreds of tries before the URL dies, with the worst luck", () => {
  let left = 7 * 86_400_000;
  let tries = 0;
  for (let attempt = 1; left > 0; attempt++, tries++)
    left -= archiveDelayMs({ attempt, msToExpiry: left, random: () => 0.999 });
  expect(tries).toBeGreaterThan(1_000);
  // and some of them in the last seconds
  expect(archiveDelayMs({ attempt: 2_000, msToExpiry: 4_000, random: () => 0.999 })).toBe(200);
});

test("bytes that are at hand wait up to five minutes", () => {
  expect(archiveDelayMs({ attempt: 50, msToExpiry: null, random: () => 1 - 1e-12 })).toBe(300_000);
});

test.each([
  [0, 0],
  [50, 0],
  [51, 100],
  [75, 2_500],
  [100, 5_000],
  [1_000, 5_000],
])("with %i of 100 images waiting to be archived each call waits %i ms", (images, delayMs) => {
  expect(backlogDelayMs({ images, bound: 100 })).toBe(delayMs);
});

test.each([0, Number.POSITIVE_INFINITY])("a limit of %d causes no delay", (bound) => {
  expect(backlogDelayMs({ images: 0, bound })).toBe(0);
});
