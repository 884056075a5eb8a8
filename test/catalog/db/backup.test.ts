import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { openCatalog } from "../../../src/catalog/catalog.ts";
import { accept, openTestCatalog, testFolder } from "../support.ts";

it("a backup taken while others write is whole, and holds what was there before", async () => {
  const catalog = await openTestCatalog();
  for (let at = 0; at < 300; at++) await accept(catalog, `before-${at}`, { prompt: "a fox ".repeat(200) });
  const file = join(testFolder(), "copy.db");
  let on = true;
  const writing = (async () => {
    for (let at = 0; on; at++) await accept(catalog, `during-${at}`);
  })();
  const shares: number[] = [];
  await catalog.backup(file, (share) => shares.push(share));
  on = false;
  await writing;
  expect(existsSync(`${file}.unfinished`)).toBe(false);
  expect(existsSync(`${file}-wal`)).toBe(false);
  const copy = openCatalog({ file });
  expect(copy.counts().requests.queued).toBeGreaterThanOrEqual(300);
  await copy.indexTexts();
  expect(copy.search({ text: "fox" }).items.length).toBeGreaterThan(0);
  copy.close();
});

it("a backup overwrites nothing", async () => {
  const catalog = await openTestCatalog();
  const file = join(testFolder(), "copy.db");
  await catalog.backup(file);
  await expect(catalog.backup(file)).rejects.toMatchObject({ code: "output_exists" });
});
