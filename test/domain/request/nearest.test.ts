import { expect, test } from "vitest";
import { nearest } from "../../../src/domain/request/nearest.ts";

const FIELDS = ["prompt", "n", "seed", "steps", "negative_prompt", "guidance_scale", "webhook_url"];

test.each([
  ["promt", "prompt"],
  ["PROMPT", "prompt"],
  ["sede", "seed"],
  ["step", "steps"],
  ["guidancescale", "guidance_scale"],
  ["negativ_promt", "negative_prompt"],
  ["webhookUrl", "webhook_url"],
  ["colour", undefined],
  ["", "n"],
  ["something else", undefined],
])("%s is meant as %s", (name, meant) => {
  expect(nearest(name, FIELDS)).toBe(meant);
});

test("the nearest of several wins, and of equals the first", () => {
  expect(nearest("status", ["stats", "statuses", "state"])).toBe("stats");
  expect(nearest("ab", ["aa", "bb"])).toBe("aa");
  expect(nearest("x", [])).toBeUndefined();
});

test("a name of ten million characters is not walked through", () => {
  const begun = performance.now();
  expect(nearest("x".repeat(10_000_000), FIELDS)).toBeUndefined();
  expect(performance.now() - begun).toBeLessThan(1_000);
});
