import fc from "fast-check";
import { expect, test } from "vitest";
import { cut, pad, plain, toTable, widthOf } from "../../src/cli/text.ts";

test.each([
  ["abc", 3],
  ["月下荷花", 8],
  ["e\u0301", 1],
  ["\u001b[31mred\u001b[0m", 3],
  ["🦊", 2],
  ["", 0],
])("the width of %j is %i columns", (text, width) => {
  expect(widthOf(text)).toBe(width);
});

test.each([
  ["a red fox", 9, "a red fox"],
  ["a red fox", 6, "a red…"],
  ["月下荷花", 5, "月下…"],
  ["月下荷花", 4, "月…"],
  ["abc", 1, "…"],
  ["abc", 0, ""],
])("%j cut to %i columns is %j", (text, width, wanted) => {
  expect(cut(text, width)).toBe(wanted);
});

test("whatever a prompt holds, it becomes one line without anything that moves a terminal", () => {
  expect(plain("a\u001b[2Jb\r\nc\u0007\td\u009bK")).toMatch(/^ab c d/);
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      expect(plain(text)).not.toMatch(/\p{Cc}/u);
    }),
  );
});

test("a padded text has exactly the width that was asked for", () => {
  const unit = fc.constantFrom("a", "月", "é", " ", "🦊");
  fc.assert(
    fc.property(fc.string({ unit }), fc.integer({ min: 0, max: 40 }), (text, width) => {
      expect(widthOf(pad(text, width))).toBe(width);
      expect(widthOf(cut(text, width))).toBeLessThanOrEqual(width);
    }),
  );
});

const COLUMNS = [{ title: "ID" }, { title: "N", align: "right" }, { title: "PROMPT", shrink: true }] as const;
const ROWS = [
  ["a-1", "3", "a lighthouse at dusk, long exposure"],
  ["long-2", "12", "月下荷花"],
];

test("a table is as wide as it must be where the width is not known", () => {
  expect(toTable(COLUMNS, ROWS, undefined)).toEqual([
    "ID       N  PROMPT",
    "a-1      3  a lighthouse at dusk, long exposure",
    "long-2  12  月下荷花",
  ]);
});

test("in a narrow terminal one column of a table gives way", () => {
  expect(toTable(COLUMNS, ROWS, 30)[1]).toBe("a-1      3  a lighthouse at d…");
});
