// What is recorded of a value from outside: itself where it is small and shallow, otherwise a bounded text.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { RECORDED_MAX_LENGTH, toRecordable } from "../../../src/domain/request/bounded-json.ts";

const jsonOf = (levels: number) => `{"a":${"[".repeat(levels)}1${"]".repeat(levels)}}`;
const nested = (levels: number): unknown => JSON.parse(jsonOf(levels));

describe.each([100, 3_300, 4_400, 300_000])("a value of %i levels", (levels) => {
  test("is recorded as a text of at most 64 KiB that begins like its JSON", () => {
    const recorded = toRecordable(nested(levels));
    expect(recorded).toEqual(expect.stringMatching(/^\{"a":\[{50}/));
    expect((recorded as string).length).toBeLessThanOrEqual(RECORDED_MAX_LENGTH);
    expect(structuredClone(recorded)).toBe(recorded);
  });

  test("is recorded whole where it fits", () => {
    const json = jsonOf(levels);
    const recorded = json.length <= RECORDED_MAX_LENGTH ? json : `${json.slice(0, RECORDED_MAX_LENGTH - 1)}…`;
    expect(toRecordable(nested(levels))).toBe(recorded);
  });
});

test.each([
  ["nothing", undefined, null],
  ["null", null, null],
  ["a number", 7, 7],
  ["a shallow object", { a: [1, { b: "c" }] }, { a: [1, { b: "c" }] }],
  ["a long text", "x".repeat(100_000), `${"x".repeat(RECORDED_MAX_LENGTH - 1)}…`],
])("%s", (_, value, recorded) => {
  expect(toRecordable(value)).toEqual(recorded);
});

test("a wide value is recorded as a text that ends at the limit", () => {
  const recorded = toRecordable({ list: new Array(1_000_000).fill(1) }) as string;
  expect(recorded).toHaveLength(RECORDED_MAX_LENGTH);
  expect(recorded.startsWith('{"list":[1,1,1')).toBe(true);
});

test("a value that contains itself ends at the limit, too", () => {
  const self: unknown[] = [];
  self.push(self, self);
  expect((toRecordable(self) as string).length).toBeLessThanOrEqual(RECORDED_MAX_LENGTH);
});

test("applied to its own result it changes nothing", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      expect(toRecordable(toRecordable(value))).toEqual(toRecordable(value));
    }),
  );
});
