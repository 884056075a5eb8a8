import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { matchesTag, parseRange } from "../../src/server/byte-range.ts";

describe("a Range header on 1000 bytes", () => {
  test.each([
    [undefined, "whole"],
    ["", "whole"],
    ["bytes=", "whole"],
    ["bytes=-", "whole"],
    ["items=0-1", "whole"],
    ["bytes=0-1,5-6", "whole"],
    ["bytes=5-4", "whole"],
    ["bytes=a-b", "whole"],
    ["bytes=0-0", { start: 0, end: 0 }],
    ["bytes=0-999", { start: 0, end: 999 }],
    ["bytes=0-99999999", { start: 0, end: 999 }],
    ["bytes=990-", { start: 990, end: 999 }],
    ["bytes=-10", { start: 990, end: 999 }],
    ["bytes=-5000", { start: 0, end: 999 }],
    ["bytes=1000-", "unsatisfiable"],
    ["bytes=1000-1001", "unsatisfiable"],
    ["bytes=-0", "unsatisfiable"],
  ])("%j asks for %j", (header, wanted) => {
    expect(parseRange(header, 1000)).toEqual(wanted);
  });
});

test("whatever is asked for, the part lies inside", () => {
  const edge = fc.option(fc.nat({ max: 3_000 }), { nil: undefined });
  fc.assert(
    fc.property(edge, edge, fc.nat({ max: 2_000 }), (first, last, size) => {
      const range = parseRange(`bytes=${first ?? ""}-${last ?? ""}`, size);
      if (typeof range === "string") return;
      expect(range.start).toBeGreaterThanOrEqual(0);
      expect(range.end).toBeGreaterThanOrEqual(range.start);
      expect(range.end).toBeLessThan(size);
    }),
  );
});

test.each([
  [undefined, false],
  ['"abc"', true],
  ['W/"abc"', true],
  ['"xyz", "abc"', true],
  ['"xyz"', false],
  ["abc", false],
  ["*", true],
])('If-None-Match %j on "abc" is %s', (header, matches) => {
  expect(matchesTag(header, '"abc"')).toBe(matches);
});
