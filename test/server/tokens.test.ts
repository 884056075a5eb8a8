import crypto from "node:crypto";
import { syncBuiltinESMExports } from "node:module";
import { expect, onTestFinished, test } from "vitest";
import { createTokens } from "../../src/server/tokens.ts";

const tokens = createTokens(["first-token", "second-token"]);

test.each([
  ["Bearer first-token", 0],
  ["Bearer second-token", 1],
  ["bearer second-token", 1],
  ["Bearer  second-token ", 1],
  ["Bearer third-token", undefined],
  ["Bearer first-toke", undefined],
  ["Bearer first-token second-token", undefined],
  ["Basic first-token", undefined],
  ["first-token", undefined],
  ["Bearer ", undefined],
  ["", undefined],
  [undefined, undefined],
])("%j is token %s", (header, place) => {
  expect(tokens.find(header)).toBe(place);
});

test("without tokens none is known, not even an empty one", () => {
  const none = createTokens([]);
  expect(none.required).toBe(false);
  expect(none.find("Bearer ")).toBeUndefined();
});

test.each(["Bearer first-token", "Bearer second-token", "Bearer wrong", undefined])(
  "%j is compared with every token, in constant time",
  (header) => {
    const compared: number[] = [];
    const { timingSafeEqual } = crypto;
    crypto.timingSafeEqual = (a, b) => {
      compared.push(a.byteLength);
      return timingSafeEqual(a, b);
    };
    syncBuiltinESMExports();
    onTestFinished(() => {
      crypto.timingSafeEqual = timingSafeEqual;
      syncBuiltinESMExports();
    });
    tokens.find(header);
    expect(compared).toEqual([32, 32]);
  },
);
