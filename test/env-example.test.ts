import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { expect, test } from "vitest";
import { parseSettings, SETTINGS } from "../src/app/settings.ts";

/** .env.example with every setting uncommented. */
async function readExample(): Promise<Record<string, string | undefined>> {
  const text = await readFile(join(import.meta.dirname, "../.env.example"), "utf8");
  return parseEnv(text.replace(/^#(?=[A-Z0-9_]+=)/gm, ""));
}

test(".env.example names every setting", async () => {
  expect(Object.keys(await readExample())).toEqual(expect.arrayContaining(Object.keys(SETTINGS.shape)));
});

test(".env.example shows the defaults: uncommenting them changes nothing but that they are given", async () => {
  const { redisGiven, ...shown } = parseSettings(await readExample());
  const { redisGiven: _, ...defaults } = parseSettings({});
  expect(shown).toEqual(defaults);
  expect(redisGiven).toBe(true);
});
