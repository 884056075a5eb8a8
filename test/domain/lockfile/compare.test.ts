// A manifest beside a lock: what was added, changed and removed.
import { expect, test } from "vitest";
import { createLockComparison } from "../../../src/domain/lockfile/compare.ts";
import { entry } from "./entries.ts";

const LOCK = [entry("a"), entry("b"), entry("c")];
const recipeOf = (id: string) => entry(id).recipe_id;

test("a manifest that asks for what is locked, in any order, has no differences", () => {
  const comparison = createLockComparison(LOCK);
  for (const id of ["c", "a", "b"])
    expect(comparison.compare({ line: 1, request_id: id, recipe_id: recipeOf(id) })).toBeUndefined();
  expect(comparison.remaining()).toEqual([]);
});

test("what was added, changed and removed is reported with its line", () => {
  const comparison = createLockComparison(LOCK);
  const compare = (line: number, request_id: string, recipe: string) =>
    comparison.compare({ line, request_id, recipe_id: recipeOf(recipe) });
  expect(compare(1, "a", "other")).toMatchObject({ kind: "changed", request_id: "a", line: 1 });
  expect(compare(2, "new", "new")).toMatchObject({ kind: "added", line: 2, reason: "it is not locked" });
  expect(compare(3, "renamed", "b")).toMatchObject({ kind: "added", reason: expect.stringContaining('under "b"') });
  expect(comparison.remaining()).toMatchObject([
    { kind: "removed", request_id: "b", line: null },
    { kind: "removed", request_id: "c", line: null },
  ]);
});

test("a drawn seed leaves nothing to compare but the id", () => {
  const comparison = createLockComparison(LOCK);
  expect(comparison.compare({ line: 1, request_id: "a", recipe_id: null })).toBeUndefined();
  expect(comparison.compare({ line: 2, request_id: "z", recipe_id: null })?.kind).toBe("added");
  expect(comparison.uncompared).toBe(1);
});
