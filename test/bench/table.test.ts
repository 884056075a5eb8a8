import { expect, test } from "vitest";
import { median, type Round, toRow, toText } from "../../bench/table.ts";

const cost = { cpuSeconds: 1, peakRssMib: 100 };

function rounds(...values: [ours: number, baseline: number][]): Round[] {
  return values.map(([ours, baseline]) => ({
    ours: { ...cost, value: ours, p99Ms: ours * 2 },
    baseline: { ...cost, cpuSeconds: 0.5, value: baseline },
  }));
}

test("a row judges the median of the rounds' ratios, and tells the lowest and the highest", () => {
  // the medians of the two sides alone would give 50 / 100
  const row = toRow(rounds([50, 100], [90, 100], [40, 50]), { name: "rate", unit: "1/s", limit: { atLeast: 0.8 } });
  expect(row.ratio).toEqual({ median: 0.8, min: 0.5, max: 0.9 });
  expect(row).toMatchObject({ reached: true, rounds: 3, cpuSeconds: { ours: 1, baseline: 0.5 } });
  expect(toRow(rounds([79, 100]), { name: "rate", unit: "1/s", limit: { atLeast: 0.8 } }).reached).toBe(false);
});

test("a row without a baseline judges our own figure", () => {
  const about = { name: "p99", unit: "ms", ours: { figure: "p99Ms" }, baseline: "none" as const };
  const row = toRow(rounds([10, 1], [12, 1], [20, 1]), { ...about, limit: { atMost: 24 } });
  expect(row).toMatchObject({ ratio: null, baseline: null, reached: true, ours: { median: 24, min: 20, max: 40 } });
  expect(row.cpuSeconds).toEqual({ ours: 1, baseline: null });
  expect(toRow(rounds([13, 1]), { ...about, limit: { atMost: 24 } }).reached).toBe(false);
});

test("a baseline may be another figure of the same subject", () => {
  const about = { name: "share", unit: "", baseline: { of: "ours", figure: "p99Ms" }, limit: { atMost: 0.5 } };
  expect(toRow(rounds([10, 1]), about).ratio?.median).toBe(0.5);
});

test("a figure or a subject that nobody reported is an error, never a zero", () => {
  const about = { name: "rate", unit: "1/s", limit: { atLeast: 1 } };
  expect(() => toRow(rounds([1, 1]), { ...about, ours: { figure: "p98Ms" } })).toThrow(/reported no "p98Ms"/);
  expect(() => toRow(rounds([1, 1]), { ...about, baseline: { of: "bare" } })).toThrow(/Subject "bare"/);
});

test("the middle of an even number of figures is the mean of the two in the middle", () => {
  expect([median([4, 1, 3, 2]), median([3, 1, 2]), median([7])]).toEqual([2.5, 2, 7]);
});

test("the text has a line for each row, with a mark, the limit, and what each process cost", () => {
  const ratio = toRow(rounds([50, 100]), { name: "rate", unit: "1/s", limit: { atLeast: 0.8 } });
  const alone = toRow(rounds([50, 100]), { name: "p99", unit: "ms", baseline: "none", limit: { atMost: 60 } });
  const [head, first, second] = toText([ratio, alone]).split("\n");
  expect(head).toMatch(/what +ours +baseline +ratio/);
  expect(first).toMatch(/^✖ +rate +50\.0 1\/s +100 +0\.500 \(0\.500–0\.500\) +≥ 0\.8 +1 +1\.0 \/ 0\.5 +100 \/ 100$/);
  expect(second).toMatch(/^✔ +p99 +50\.0 \(50\.0–50\.0\) ms +– +– +≤ 60 ms +1 +1\.0 +100$/);
});
