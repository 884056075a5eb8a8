import fc from "fast-check";
import { expect, test } from "vitest";
import { WEBHOOK_TRIES, webhookDelayMs } from "../../src/webhooks/schedule.ts";

const SECOND = 1_000;
const HOUR = 3_600_000;
const middle = () => 0.5;

test.each([
  [1, 5 * SECOND],
  [2, 15 * SECOND],
  [3, 45 * SECOND],
  [8, 3 * HOUR + 135 * SECOND],
  [9, 4 * HOUR],
  [13, 4 * HOUR],
  [14, undefined],
  [15, undefined],
])("after try %i the pause is %s ms", (attempt, ms) => {
  expect(webhookDelayMs(attempt, { random: middle })).toBe(ms);
});

test("the tries go on for a day, whatever the dice say", () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), { minLength: 1 }), (dice) => {
      let at = 0;
      const random = () => dice[at++ % dice.length] ?? 0;
      const pauses = Array.from(
        { length: WEBHOOK_TRIES - 1 },
        (_, i) => webhookDelayMs(i + 1, { random }) ?? Number.NaN,
      );
      const sum = pauses.reduce((a, b) => a + b, 0);
      expect(sum).toBeGreaterThan(20 * HOUR);
      expect(sum).toBeLessThan(28 * HOUR);
    }),
  );
});

test("a receiver that names a time is given it, but no more than the longest pause", () => {
  expect(webhookDelayMs(1, { random: middle, retryAfterMs: 60 * SECOND })).toBe(60 * SECOND);
  expect(webhookDelayMs(5, { random: middle, retryAfterMs: SECOND })).toBe(405 * SECOND);
  expect(webhookDelayMs(1, { random: middle, retryAfterMs: 100 * HOUR })).toBe(4 * HOUR);
});
