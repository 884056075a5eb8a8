// RFC 8785's own examples (section 3.2 and appendix B), and what follows from them for ids.
import { createHash } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { canonicalDigest, canonicalJson, type Json } from "../../../src/domain/request/canonical-json.ts";

/** The IEEE 754 bits of appendix B, and how they are written. */
const NUMBERS: [string, string][] = [
  ["0000000000000000", "0"],
  ["8000000000000000", "0"],
  ["0000000000000001", "5e-324"],
  ["8000000000000001", "-5e-324"],
  ["7fefffffffffffff", "1.7976931348623157e+308"],
  ["ffefffffffffffff", "-1.7976931348623157e+308"],
  ["4340000000000000", "9007199254740992"],
  ["c340000000000000", "-9007199254740992"],
  ["4430000000000000", "295147905179352830000"],
  ["44b52d02c7e14af5", "9.999999999999997e+22"],
  ["44b52d02c7e14af6", "1e+23"],
  ["44b52d02c7e14af7", "1.0000000000000001e+23"],
  ["444b1ae4d6e2ef4e", "999999999999999700000"],
  ["444b1ae4d6e2ef4f", "999999999999999900000"],
  ["444b1ae4d6e2ef50", "1e+21"],
  ["3eb0c6f7a0b5ed8c", "9.999999999999997e-7"],
  ["3eb0c6f7a0b5ed8d", "0.000001"],
  ["41b3de4355555553", "333333333.3333332"],
  ["41b3de4355555554", "333333333.33333325"],
  ["41b3de4355555555", "333333333.3333333"],
  ["41b3de4355555556", "333333333.3333334"],
  ["41b3de4355555557", "333333333.33333343"],
  ["becbf647612f3696", "-0.0000033333333333333333"],
  ["43143ff3c1cb0959", "1424953923781206.2"],
];

test.each(NUMBERS)("the number with the bits %s is written %s", (bits, text) => {
  expect(canonicalJson(Buffer.from(bits, "hex").readDoubleBE())).toBe(text);
});

test.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])("%d is not JSON", (value) => {
  expect(() => canonicalJson({ a: [value] })).toThrow(TypeError);
});

test.each(["\ud800", "a\udfffb"])("a lone surrogate is not JSON, as a value and as a key", (text) => {
  expect(() => canonicalJson([text])).toThrow(TypeError);
  expect(() => canonicalJson({ [text]: 1 })).toThrow(TypeError);
});

test("the example of section 3.2.2: literals, numbers and escapes", () => {
  const value = JSON.parse(
    String.raw`{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],"string":"\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/","literals":[null,true,false]}`,
  );
  expect(canonicalJson(value)).toBe(
    String.raw`{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}`,
  );
});

test("the example of section 3.2.3: keys are sorted by UTF-16 code units", () => {
  const value = JSON.parse(
    String.raw`{"\u20ac":"Euro Sign","\r":"Carriage Return","\ufb33":"Hebrew Letter Dalet With Dagesh","1":"One","\ud83d\ude00":"Emoji: Grinning Face","\u0080":"Control","\u00f6":"Latin Small Letter O With Diaeresis"}`,
  );
  const names = Object.values(JSON.parse(canonicalJson(value).replace(/"1"/, '"one"')));
  expect(names).toEqual([
    "Carriage Return",
    "One",
    "Control",
    "Latin Small Letter O With Diaeresis",
    "Euro Sign",
    "Emoji: Grinning Face",
    "Hebrew Letter Dalet With Dagesh",
  ]);
});

test.each<[Json, string]>([
  [{}, "{}"],
  [[], "[]"],
  [{ b: 1, a: { d: [], c: null } }, '{"a":{"c":null,"d":[]},"b":1}'],
  [[{ b: 1, a: 2 }, "x"], '[{"a":2,"b":1},"x"]'],
  ["\u2028\u2029\u007f\u0000/", '"\u2028\u2029\u007f\\u0000/"'],
])("%j is written without white space", (value, text) => {
  expect(canonicalJson(value)).toBe(text);
});

function shuffled(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shuffled);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, inner]) => [key, shuffled(inner)]),
  );
}

test("the order in which keys were written never matters, and the form reads back as the value", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const json = JSON.parse(JSON.stringify(value)) as Json;
      expect(canonicalJson(shuffled(json) as Json)).toBe(canonicalJson(json));
      expect(JSON.parse(canonicalJson(json))).toEqual(json);
      expect(canonicalJson(JSON.parse(canonicalJson(json)))).toBe(canonicalJson(json));
    }),
  );
});

test("the digest is SHA-256 over the UTF-8 of the form", () => {
  const expected = createHash("sha256").update('{"a":"€"}', "utf8").digest("hex");
  expect(canonicalDigest({ a: "€" })).toBe(expected);
});
