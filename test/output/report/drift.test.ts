import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Likeness, Proof } from "../../../src/domain/records.ts";
import { stepFor, stepsBetween } from "../../../src/output/report/calendar.ts";
import { findChanges, toDrift } from "../../../src/output/report/drift.ts";

const day = (text: string) => Date.parse(`${text}T12:00:00Z`);

function proof(made: string, remade: string, outcome: Likeness, original = made): Proof {
  const image = { index: 0, outcome, digest: null, original_digest: null };
  const measured = outcome === "incomparable" ? null : 0;
  const reason = outcome === "incomparable" ? "it was erased, as was asked" : null;
  return {
    request_id: `${original}.r${remade}`,
    original_id: original,
    outcome,
    compared_at: day(remade),
    generated_at: day(remade),
    original_generated_at: day(made),
    images: [{ ...image, distance: outcome === "drifted" ? 30 : measured, mean_error: measured, reason }],
  };
}

describe("changes of the model", () => {
  test("lie between the newest original that no longer comes out and the oldest that still does", () => {
    const { changes } = toDrift([
      proof("2026-01-10", "2026-06-01", "drifted"),
      proof("2026-02-10", "2026-06-01", "drifted"),
      proof("2026-03-10", "2026-06-01", "identical_bytes"),
      proof("2026-04-10", "2026-06-01", "identical_pixels"),
    ]);
    expect(changes).toEqual([
      { after: day("2026-02-10"), before: day("2026-03-10"), of: "picture", contradicted: false },
    ]);
  });

  test("are narrowed by proofs that were made in time", () => {
    const { changes } = toDrift([
      proof("2026-01-10", "2026-02-20", "identical_bytes"),
      proof("2026-01-10", "2026-06-01", "drifted"),
      proof("2026-03-10", "2026-06-01", "identical_bytes"),
    ]);
    expect(changes).toEqual([
      { after: day("2026-02-20"), before: day("2026-03-10"), of: "picture", contradicted: false },
    ]);
  });

  test("are two where no single one explains what is seen", () => {
    const { changes } = toDrift([
      proof("2026-01-01", "2026-01-20", "drifted"),
      proof("2026-02-01", "2026-02-20", "near"),
    ]);
    expect(changes.map(({ of, after }) => [of, after])).toEqual([
      ["picture", day("2026-01-01")],
      ["pixels", day("2026-02-01")],
    ]);
  });

  test("of pixels alone are told as such, and those of pictures once", () => {
    expect(toDrift([proof("2026-01-01", "2026-02-01", "near")]).changes).toMatchObject([{ of: "pixels" }]);
    expect(toDrift([proof("2026-01-01", "2026-02-01", "drifted")]).changes).toMatchObject([{ of: "picture" }]);
  });

  test("are contradicted where all of their time is covered by what came out the same", () => {
    const { changes } = toDrift([
      proof("2026-02-01", "2026-03-01", "near"),
      proof("2026-01-01", "2026-04-01", "identical_bytes"),
    ]);
    expect(changes).toMatchObject([{ of: "pixels", contradicted: true }]);
  });

  test("are none where nothing differs, and what cannot be compared says nothing", () => {
    expect(toDrift([proof("2026-01-01", "2026-02-01", "identical_bytes")]).changes).toEqual([]);
    expect(toDrift([proof("2026-01-01", "2026-02-01", "incomparable")]).changes).toEqual([]);
    expect(toDrift([])).toMatchObject({ originals: 0, curve: [], changes: [] });
  });

  test("hold the true time of a single change, whatever was asked for and when", () => {
    const moment = fc.integer({ min: 0, max: 1_000 });
    const asked = fc.array(fc.tuple(moment, moment), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(moment, asked, (change, pairs) => {
        const spans = pairs.map(([a, b]) => ({ from: Math.min(a, b), to: Math.max(a, b) }));
        // made before it, and asked for again when it was there: other pixels
        const seen = spans.map((span) => ({ ...span, same: !(span.from < change && change <= span.to) }));
        const found = findChanges(seen);
        if (seen.every((span) => span.same)) expect(found).toEqual([]);
        else {
          expect(found).toHaveLength(1);
          const [{ after, before, contradicted } = { after: 0, before: 0, contradicted: true }] = found;
          expect(contradicted).toBe(false);
          expect(after).toBeLessThan(change);
          expect(before).toBeGreaterThanOrEqual(change);
        }
      }),
    );
  });
});

describe("the curve", () => {
  test("counts the images of the newest proof of each original, by the time at which that was made", () => {
    const { curve, step, originals, proofs } = toDrift([
      proof("2026-01-10", "2026-02-01", "identical_bytes"),
      proof("2026-01-10", "2026-12-01", "drifted"),
      proof("2026-01-20", "2026-12-01", "near"),
      proof("2026-10-20", "2026-12-01", "incomparable"),
      proof("2026-12-20", "2026-12-21", "identical_pixels"),
    ]);
    expect({ step, originals, proofs }).toEqual({ step: "month", originals: 4, proofs: 5 });
    expect(curve).toHaveLength(12);
    const zero = { identical_bytes: 0, identical_pixels: 0, near: 0, drifted: 0, incomparable: 0 };
    expect(curve[0]).toEqual({ ...zero, from: Date.UTC(2026, 0), near: 1, drifted: 1, mean_distance: 15 });
    expect(curve[1]).toEqual({ ...zero, from: Date.UTC(2026, 1), mean_distance: null });
    expect(curve[9]).toEqual({ ...zero, from: Date.UTC(2026, 9), incomparable: 1, mean_distance: null });
    expect(curve[11]).toMatchObject({ identical_pixels: 1, mean_distance: 0 });
  });
});

describe("steps of time", () => {
  const DAY = 86_400_000;
  test.each([
    [0, "day"],
    [31 * DAY, "day"],
    [32 * DAY, "week"],
    [281 * DAY, "month"],
    [2_000 * DAY, "year"],
  ] as const)("over %i ms are a %s", (span, step) => expect(stepFor(span)).toBe(step));

  test.each([
    ["day", "2026-02-27", "2026-03-01", ["2026-02-27", "2026-02-28", "2026-03-01"]],
    ["week", "2026-11-26", "2026-12-01", ["2026-11-23", "2026-11-30"]],
    ["month", "2026-11-30", "2027-01-01", ["2026-11-01", "2026-12-01", "2027-01-01"]],
    ["year", "2025-12-31", "2026-01-01", ["2025-01-01", "2026-01-01"]],
  ] as const)("of a %s from %s to %s", (step, first, last, wanted) => {
    const starts = stepsBetween({ first: day(first), last: day(last) }, step);
    expect(starts.map((start) => new Date(start).toISOString().slice(0, 10))).toEqual(wanted);
  });
});

test("more proofs than a call takes arguments are no trouble", () => {
  const one = proof("2026-01-10", "2026-06-01", "near");
  const many = Array.from({ length: 200_000 }, (_, at) => ({
    ...one,
    original_id: `o${at}`,
    original_generated_at: at,
  }));
  expect(toDrift(many)).toMatchObject({ originals: 200_000, proofs: 200_000, step: "day" });
});
