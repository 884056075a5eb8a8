// Indexes hold only the beginning of a key: keys that begin alike are told apart all the same.
import { join } from "node:path";
import Sqlite from "better-sqlite3";
import { expect, onTestFinished, test } from "vitest";
import type { OpenCatalog } from "../../../src/catalog/catalog.ts";
import { accept, archiveWhole, found, openTestCatalog, testFolder } from "../support.ts";

const BEGINNING = "0123456789";
const [ONE, OTHER] = ["a", "b"].map((letter) => BEGINNING + letter.repeat(54)) as [string, string];

/** A catalog with two archived requests whose recipes begin alike, and how the recipe of a request is changed. */
async function openAlike(): Promise<{ catalog: OpenCatalog; setRecipe: (id: string, recipe: string) => void }> {
  const file = join(testFolder(), "catalog.db");
  const catalog = await openTestCatalog({ file });
  const sqlite = new Sqlite(file);
  onTestFinished(() => void sqlite.close());
  const update = sqlite.prepare("update requests set recipe_id = ? where request_id = ?");
  const setRecipe = (id: string, recipe: string) => void update.run(recipe, id);
  for (const [id, recipe, letter] of [
    ["one", ONE, "a"],
    ["other", OTHER, "b"],
  ] as const) {
    await accept(catalog, id, { seed: letter.charCodeAt(0) });
    await archiveWhole(catalog, id, letter);
    setRecipe(id, recipe);
  }
  return { catalog, setRecipe };
}

test.each([
  ["one", ONE],
  ["other", OTHER],
  [undefined, `${BEGINNING}${"c".repeat(54)}`],
])("a request is answered by %s, which has the whole of its recipe", async (source, recipe) => {
  const { catalog, setRecipe } = await openAlike();
  await accept(catalog, "new", { seed: 3 });
  setRecipe("new", recipe);
  const twin = source === undefined ? null : "archived";
  expect(catalog.getManifestStatus([{ request_id: "new", recipe_id: recipe }])).toMatchObject([{ twin }]);
  const reserved = await catalog.reserveCall("new", { n: 1, seed: 3 });
  expect(reserved).toMatchObject(
    source === undefined ? { kind: "reserved" } : { kind: "in_flight_elsewhere", request_id: source },
  );
  if (source === undefined) return;
  await catalog.reuse("new");
  expect((await found(catalog, "new")).request.reused_from).toBe(source);
});

test.each([
  ["", 2],
  ["0", 2],
  [BEGINNING.slice(0, 9), 2],
  [BEGINNING, 2],
  [`${BEGINNING}a`, 1],
  [ONE, 1],
  [`${BEGINNING}c`, 0],
  ["1", 0],
])("a search by the recipe %j finds %d", async (recipe, hits) => {
  const { catalog } = await openAlike();
  expect(catalog.search({ recipe }).items).toHaveLength(hits);
});
