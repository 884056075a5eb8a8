import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  formatDuration,
  formatPrice,
  formatSize,
  parseDuration,
  parsePrice,
  parseRate,
  parseSize,
  parseTime,
} from "../../src/domain/units.ts";

test.each([
  ["250ms", 250],
  ["30s", 30_000],
  ["1.5h", 5_400_000],
  ["7d", 604_800_000],
  [" 2 m ", 120_000],
  ["0s", 0],
  ["30", undefined],
  ["s", undefined],
  ["", undefined],
  ["-1s", undefined],
  ["+1s", undefined],
  ["1,5s", undefined],
  ["1e3s", undefined],
  [".5s", undefined],
  ["1s 2m", undefined],
  ["1S", undefined],
  ["1week", undefined],
  ["1toString", undefined],
  [`${"9".repeat(400)}d`, undefined],
])("a duration: %s is %s ms", (text, ms) => {
  expect(parseDuration(text)).toBe(ms);
});

test.each([
  ["64MiB", 67_108_864],
  ["500KB", 500_000],
  ["1.5KiB", 1_536],
  ["0.3B", 0],
  ["1 GiB", 1_073_741_824],
  ["64", undefined],
  ["64mib", undefined],
  ["-1B", undefined],
  [`${"9".repeat(400)}B`, undefined],
])("a size: %s is %s bytes", (text, bytes) => {
  expect(parseSize(text)).toBe(bytes);
});

test.each([
  ["10/s", { max: 10, durationMs: 1_000 }],
  ["300/m", { max: 300, durationMs: 60_000 }],
  ["5/10s", { max: 5, durationMs: 10_000 }],
  ["1 / 250ms", { max: 1, durationMs: 250 }],
  ["1/d", { max: 1, durationMs: 86_400_000 }],
  ["0/s", undefined],
  ["10/0s", undefined],
  ["10", undefined],
  ["10/", undefined],
  ["1.5/s", undefined],
  ["-1/s", undefined],
  [`${"9".repeat(400)}/s`, undefined],
])("a rate: %s", (text, rate) => {
  expect(parseRate(text)).toEqual(rate);
});

test.each([
  ["0.02 USD", { micros: 20_000, currency: "USD" }],
  ["1eur", { micros: 1_000_000, currency: "EUR" }],
  ["0.000001 CNY", { micros: 1, currency: "CNY" }],
  ["0 USD", { micros: 0, currency: "USD" }],
  ["0.0000001 USD", undefined],
  ["0.02", undefined],
  ["USD 0.02", undefined],
  ["-1 USD", undefined],
  ["1 DOLLAR", undefined],
  ["99999999999 USD", undefined],
])("a price: %s", (text, price) => {
  expect(parsePrice(text)).toEqual(price);
});

const UNITS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const unit = fc.constantFrom(...(Object.keys(UNITS) as (keyof typeof UNITS)[]));

describe("for all values", () => {
  test("a duration that is written is the duration that is read", () => {
    fc.assert(
      fc.property(fc.nat(1_000_000), unit, fc.constantFrom("", " "), (amount, unit, gap) => {
        expect(parseDuration(`${amount}${gap}${unit}`)).toBe(amount * UNITS[unit]);
      }),
    );
  });

  test("any text is a finite number or nothing", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom(..."0123456789.-/ smhdBKMGi".split("")), maxLength: 12 }),
        (text) => {
          for (const parse of [parseDuration, parseSize]) expect(Number.isFinite(parse(text) ?? 0)).toBe(true);
          const rate = parseRate(text);
          if (rate !== undefined) expect(rate.durationMs / rate.max).toBeGreaterThan(0);
        },
      ),
    );
  });

  test("a price that is shown is the price that is read", () => {
    fc.assert(
      fc.property(fc.nat(2_000_000_000), (micros) => {
        const shown = formatPrice({ micros, currency: "USD" });
        expect(shown).toMatch(/^\d+\.\d{2,6} USD$/);
        expect(parsePrice(shown)).toEqual({ micros, currency: "USD" });
      }),
    );
  });
});

test.each([
  [20_000, "0.02 USD"],
  [1_250_000, "1.25 USD"],
  [1_000_000, "1.00 USD"],
  [1, "0.000001 USD"],
  [123_456_789, "123.456789 USD"],
])("%i millionths are shown as %s", (micros, text) => {
  expect(formatPrice({ micros, currency: "USD" })).toBe(text);
});

test.each([
  [0, "0 B"],
  [1_023, "1023 B"],
  [1_024, "1.0 KiB"],
  [12_897_485, "12.3 MiB"],
  [3 * 1024 ** 3, "3.0 GiB"],
])("%i bytes are shown as %s", (bytes, text) => {
  expect(formatSize(bytes)).toBe(text);
});

test.each([
  [0, "0 ms"],
  [850, "850 ms"],
  [12_300, "12.3 s"],
  [240_000, "4 min"],
  [11_520_000, "3.2 h"],
  [596_160_000, "6.9 d"],
])("%i ms are shown as %s", (ms, text) => {
  expect(formatDuration(ms)).toBe(text);
});

test.each([
  ["2026-11-23", "2026-11-23T00:00:00.000Z"],
  ["2026-11-23T07:45", "2026-11-23T07:45:00.000Z"],
  ["2026-11-23T07:45:01.5+08:00", "2026-11-22T23:45:01.500Z"],
  ["2024-02-29", "2024-02-29T00:00:00.000Z"],
  ["2026-02-29", undefined],
  ["2026-11-31T07:45", undefined],
  ["2026-11-23Z", undefined],
  ["2026-11-23T25:00", undefined],
  ["2026", undefined],
  ["yesterday", undefined],
  ["", undefined],
])("a time: %s is %s", (text, wanted) => {
  const ms = parseTime(text);
  expect(ms === undefined ? undefined : new Date(ms).toISOString()).toBe(wanted);
});

test("as the end of a span a day counts whole, and a time does not", () => {
  expect(parseTime("2026-11-23", "to")).toBe(parseTime("2026-11-24"));
  expect(parseTime("2026-11-23T01:00", "to")).toBe(parseTime("2026-11-23T01:00"));
});
