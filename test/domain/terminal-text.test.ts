import fc from "fast-check";
import { expect, test } from "vitest";
import {
  toSafeLine,
  toSafeStyledText,
  toSafeText,
  toSafeValue,
  withoutUnsafe,
} from "../../src/domain/terminal-text.ts";

const UNSAFE = /[\p{Cc}\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/u;

test.each([
  ["a title", "\u001b]0;evil\u0007", "\\u001b]0;evil\\u0007"],
  ["a cleared screen", "\u001b[2J\u001b[H", "\\u001b[2J\\u001b[H"],
  ["the clipboard (OSC 52)", "\u001b]52;c;ZXZpbA==\u001b\\", "\\u001b]52;c;ZXZpbA==\\u001b\\"],
  ["an 8-bit CSI and OSC", "\u009b2J\u009d0;evil\u009c", "\\u009b2J\\u009d0;evil\\u009c"],
  ["DEL, backspace, bell, NUL", "\u007f\b\u0007\0", "\\u007f\\u0008\\u0007\\u0000"],
  ["a carriage return that overwrites", "failed\rarchived", "failed\\u000darchived"],
  ["the ends of lines", "a\r\nb\nc\td", "a\nb\nc\td"],
  ["NEL and line separators", "a\u0085b\u2028c\u2029d", "a\\u0085b\\u2028c\\u2029d"],
  [
    "bidi controls",
    "\u202egnp.fox\u202c\u2066a\u2069\u200f\u061c",
    "\\u202egnp.fox\\u202c\\u2066a\\u2069\\u200f\\u061c",
  ],
  ["what is invisible", "a\u200bb\ufeffc\u2060d", "a\\u200bb\\ufeffc\\u2060d"],
  ["colours of others", "\u001b[31mred\u001b[0m", "\\u001b[31mred\\u001b[0m"],
  [
    "pictures and scripts that need joiners",
    "👩‍🚀 🏴󠁧󠁢󠁥󠁮󠁧󠁿 ❤️ می‌خواهم 月下荷花 e\u0301",
    "👩‍🚀 🏴󠁧󠁢󠁥󠁮󠁧󠁿 ❤️ می‌خواهم 月下荷花 e\u0301",
  ],
])("%s", (_, text, wanted) => {
  expect(toSafeText(text)).toBe(wanted);
});

test("a styled line keeps colours and weights, and nothing else", () => {
  expect(toSafeStyledText("\u001b[1m\u001b[32mgood\u001b[39m\u001b[22m")).toBe(
    "\u001b[1m\u001b[32mgood\u001b[39m\u001b[22m",
  );
  for (const sequence of ["\u001b[8m", "\u001b[7m", "\u001b[2J", "\u001b[31;8m", "\u009b31m", "\u001b[?25l", "\u001bc"])
    expect(toSafeStyledText(sequence)).not.toMatch(UNSAFE);
});

test("whatever the text: nothing unsafe is left, and JSON keeps its value", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      expect(toSafeText(text).replace(/[\t\n]/g, "")).not.toMatch(UNSAFE);
      expect(toSafeLine(text).replaceAll("\t", "")).not.toMatch(UNSAFE);
      expect(withoutUnsafe(text)).not.toMatch(UNSAFE);
      expect(JSON.parse(toSafeText(JSON.stringify({ [text]: [text] })))).toEqual({ [text]: [text] });
    }),
  );
});

test("a value is made safe in all its texts and keys", () => {
  expect(toSafeValue({ "a\u009b": ["\u001b", 1, null, true, { b: "\u202e" }] })).toEqual({
    "a\\u009b": ["\\u001b", 1, null, true, { b: "\\u202e" }],
  });
});
