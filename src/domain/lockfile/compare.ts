// What a manifest asks for now, beside what is locked. Pure: no catalog is asked, since ids and seeds are made of the
// manifest alone.
import type { LockEntry } from "./entry.ts";

/** A request of a manifest. `recipe_id` is null where its seed is drawn: what it will be, the manifest does not say. */
export interface LockExpectation {
  line: number;
  request_id: string;
  recipe_id: string | null;
}

/**
 * Where a manifest and a lock part.
 * - `added`: asked for and not locked
 * - `changed`: locked under this id with another recipe
 * - `removed`: locked and not asked for any more
 */
export interface LockDifference {
  kind: "added" | "changed" | "removed";
  request_id: string;
  /** In the manifest; null for what is not there. */
  line: number | null;
  reason: string;
}

/** Compares request after request, then tells what is left over. */
export interface LockComparison {
  /** What is wrong with one request of the manifest, or undefined. */
  compare(asked: LockExpectation): LockDifference | undefined;
  /** Requests whose recipe could not be compared, because their seed is drawn. */
  readonly uncompared: number;
  /** What is locked and was not asked for, in the order of the lock file. */
  remaining(): LockDifference[];
}

export function createLockComparison(entries: readonly LockEntry[]): LockComparison {
  const left = new Map(entries.map(({ request_id, recipe_id }) => [request_id, recipe_id]));
  const byRecipe = new Map(entries.map(({ request_id, recipe_id }) => [recipe_id, request_id]));
  let uncompared = 0;
  return {
    compare({ line, request_id, recipe_id }) {
      const locked = left.get(request_id);
      left.delete(request_id);
      if (locked === undefined) return { kind: "added", request_id, line, reason: addedReason(recipe_id, byRecipe) };
      if (recipe_id === null) uncompared += 1;
      if (recipe_id === null || recipe_id === locked) return undefined;
      const reason = `the manifest asks for recipe ${short(recipe_id)}, ${short(locked)} is locked`;
      return { kind: "changed", request_id, line, reason };
    },
    get uncompared() {
      return uncompared;
    },
    remaining: () =>
      [...left.keys()].map((request_id) => ({
        kind: "removed",
        request_id,
        line: null,
        reason: "it is locked, and the manifest asks for it no more",
      })),
  };
}

// a change of tags or collection makes another id: the picture is the same, and free
function addedReason(recipe: string | null, byRecipe: ReadonlyMap<string, string>): string {
  const duplicate = recipe === null ? undefined : byRecipe.get(recipe);
  if (duplicate === undefined) return "it is not locked";
  return `it is not locked; its recipe is, under "${duplicate}"`;
}

function short(digest: string): string {
  return `${digest.slice(0, 12)}…`;
}
