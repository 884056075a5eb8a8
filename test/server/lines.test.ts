import fc from "fast-check";
import { expect, test } from "vitest";
import { readLines } from "../../src/server/lines.ts";

async function linesOf(text: string, { pieceBytes = 7, maxBytes = 1000 } = {}) {
  const bytes = Buffer.from(text);
  async function* pieces() {
    for (let from = 0; from < bytes.length; from += pieceBytes) yield bytes.subarray(from, from + pieceBytes);
  }
  const lines: [number, string | undefined][] = [];
  for await (const some of readLines(pieces(), { maxBytes }))
    for (const { line, bytes } of some) lines.push([line, bytes?.toString()]);
  return lines;
}

test.each([
  ["", []],
  ["one", [[1, "one"]]],
  ["one\n", [[1, "one"]]],
  [
    "one\ntwo\n",
    [
      [1, "one"],
      [2, "two"],
    ],
  ],
  [
    "one\n\n \t\r\ntwo",
    [
      [1, "one"],
      [4, "two"],
    ],
  ],
  [
    "one\r\ntwo\r\n",
    [
      [1, "one\r"],
      [2, "two\r"],
    ],
  ],
  [
    "狐狸\n🦊",
    [
      [1, "狐狸"],
      [2, "🦊"],
    ],
  ],
])("%j has the lines %j", async (text, wanted) => {
  for (const pieceBytes of [1, 2, 3, 1000]) expect(await linesOf(text, { pieceBytes })).toEqual(wanted);
});

test("a line that is too long is only known to be there, and harms no other", async () => {
  const text = `short\n${"x".repeat(5_000)}\nlast`;
  for (const pieceBytes of [1, 64, 10_000])
    expect(await linesOf(text, { pieceBytes, maxBytes: 100 })).toEqual([
      [1, "short"],
      [2, undefined],
      [3, "last"],
    ]);
});

test("a line may be exactly as long as allowed", async () => {
  expect(await linesOf(`${"x".repeat(100)}\n${"y".repeat(101)}`, { maxBytes: 100 })).toEqual([
    [1, "x".repeat(100)],
    [2, undefined],
  ]);
});

test("however the bytes are cut, the lines are the same", async () => {
  const text = fc.array(fc.constantFrom("a", "bc", "\n", "\n\n", " ", "\r\n", "é", "0123456789"), { maxLength: 60 });
  await fc.assert(
    fc.asyncProperty(text, fc.integer({ min: 1, max: 20 }), async (parts, pieceBytes) => {
      const whole = parts.join("");
      const wanted = whole
        .split("\n")
        .map((line, index): [number, string] => [index + 1, line])
        .filter(([, line]) => line.replace(/[ \t\r]/g, "") !== "");
      expect(await linesOf(whole, { pieceBytes })).toEqual(wanted);
    }),
  );
});
