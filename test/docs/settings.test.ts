// The table of settings says what the program reads: every name, and every default, in both directions.
import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { parseSettings, SETTINGS } from "../../src/app/settings.ts";

async function readTable(): Promise<Map<string, string>> {
  const text = await readFile("docs/settings.md", "utf8");
  const rows = text.matchAll(/^\| `([A-Z0-9_]+)` \| (?:`([^`]*)`|none) \|/gm);
  return new Map([...rows].map(([, name = "", value = ""]) => [name, value]));
}

test("every setting is documented, and every documented setting exists", async () => {
  expect([...(await readTable()).keys()].sort()).toEqual(Object.keys(SETTINGS.shape).sort());
});

test("the documented defaults are the defaults", async () => {
  const documented = Object.fromEntries([...(await readTable())].filter(([, value]) => value !== ""));
  expect(parseSettings(documented)).toEqual({ ...parseSettings({}), redisGiven: true });
  const read = SETTINGS.keyof().options.filter((name) => SETTINGS.shape[name].safeParse(undefined).data !== undefined);
  const empty = read.filter((name) => JSON.stringify(SETTINGS.shape[name].safeParse(undefined).data) !== "[]");
  expect(Object.keys(documented).sort()).toEqual(empty.sort());
});
