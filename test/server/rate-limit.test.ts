import fc from "fast-check";
import { expect, test } from "vitest";
import { createRateLimit } from "../../src/server/rate-limit.ts";

test("as many as allowed come at once, and the rest wait for their turn", () => {
  let now = 0;
  const limit = createRateLimit({ max: 3, durationMs: 300 }, { now: () => now });
  expect([1, 2, 3].map(() => limit.take("a"))).toEqual([0, 0, 0]);
  expect(limit.take("a")).toBe(100);
  expect(limit.take("b")).toBe(0);
  now = 100;
  expect(limit.take("a")).toBe(0);
  expect(limit.take("a")).toBe(100);
});

test("who waited as told is not turned away by a rounding", () => {
  let now = 0;
  const limit = createRateLimit({ max: 1, durationMs: 1627 }, { now: () => now });
  expect(limit.take("a")).toBe(0);
  now = 91;
  now += limit.take("a");
  expect(limit.take("a")).toBe(0);
});

test("no rate is no limit", () => {
  const limit = createRateLimit(null, { now: () => 0 });
  expect(Array.from({ length: 10_000 }, () => limit.take("a")).every((wait) => wait === 0)).toBe(true);
});

test("over any time no more pass than the rate and one burst; and who waits as told passes", () => {
  const rates = fc.record({ max: fc.integer({ min: 1, max: 50 }), durationMs: fc.integer({ min: 10, max: 5_000 }) });
  fc.assert(
    fc.property(rates, fc.array(fc.integer({ min: 0, max: 200 }), { maxLength: 200 }), (rate, pauses) => {
      let now = 0;
      let passed = 0;
      const limit = createRateLimit(rate, { now: () => now });
      for (const pause of pauses) {
        now += pause;
        const waitMs = limit.take("a");
        if (waitMs > 0) {
          now += waitMs;
          expect(limit.take("a")).toBe(0);
        }
        passed += 1;
      }
      expect(passed).toBeLessThanOrEqual(rate.max + (now * rate.max) / rate.durationMs + 1e-6);
    }),
  );
});
