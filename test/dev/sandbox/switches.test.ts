// The table of switches: complete, and strict about what it takes.
import { describe, expect, test } from "vitest";
import { openSandbox } from "../../../src/dev/sandbox/sandbox.ts";
import { DEFAULT_SWITCHES, parseSwitches, SWITCHES } from "../../../src/dev/sandbox/switches.ts";
import { RejectedError } from "../../../src/domain/errors.ts";

test("every default fits its own rule", () => {
  expect(parseSwitches({ ...DEFAULT_SWITCHES })).toEqual(DEFAULT_SWITCHES);
});

test("flags are kebab-case, without units, each once", () => {
  const flags = SWITCHES.map((row) => row.flag);
  expect(new Set(flags).size).toBe(flags.length);
  expect(flags.filter((flag) => !/^--[a-z0-9]+(-[a-z0-9]+)*$/.test(flag))).toEqual([]);
  expect(flags).toContain("--url-lifetime");
});

describe("a switch that does not fit", () => {
  test.each([
    ["latencyMs", -1],
    ["latencyMs", "5s"],
    ["errorRate", 1.1],
    ["rateLimit", "fast"],
    ["forceStatus", 200],
    ["retryAfter", "minutes"],
    ["imageScale", 0],
    ["balance", 0.5],
    ["bothForms", "yes"],
  ])("%s: %j", (name, value) => {
    const parse = () => parseSwitches({ [name]: value });
    expect(parse).toThrow(RejectedError);
    expect(parse).toThrow(name);
  });

  test("stops a sandbox from opening", async () => {
    await expect(openSandbox({ errorRate: 7 })).rejects.toMatchObject({ code: "invalid_switches" });
  });
});
