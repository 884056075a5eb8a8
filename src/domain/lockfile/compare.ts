// Compares a manifest with its lock file. Pure: it needs no catalog, since ids and seeds are derived from the manifest.
import type { LockEntry } from "./entry.ts";

/** A request of a manifest. `recipe_id` is null if its seed is drawn, and so not known before. */
export interface LockExpectation {
  line: number;
  request_id: string;
  recipe_id: string | null;
}

/**
 * A difference between a manifest and a lock file.
 * - `added`: in the manifest, not locked
 * - `changed`: locked under this id with another recipe
 * - `removed`: locked, no longer in the manifest
 */
export interface LockDifference {
  kind: "added" | "changed" | "removed";
  request_id: string;
  /** The manifest's line; null if the request is not in the manifest. */
  line: number | null;
  reason: string;
}

/** Compares one request after the other, then lists the locked ones that did not occur. */
export interface LockComparison {
  /** The difference for one request of the manifest, or undefined. */
  compare(expected: LockExpectation): LockDifference | undefined;
  /** How many requests could not be compared because their seed is drawn. */
  readonly uncompared: number;
  /** Locked requests that were not compared, in the order of the lock file. */
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
        reason: "it is locked, and no longer in the manifest",
      })),
  };
}

// a change of tags or collection changes the id: the image is the same, and free
function addedReason(recipe: string | null, byRecipe: ReadonlyMap<string, string>): string {
  const duplicate = recipe === null ? undefined : byRecipe.get(recipe);
  if (duplicate === undefined) return "it is not locked";
  return `it is not locked; its recipe is, under "${duplicate}"`;
}

function short(digest: string): string {
  return `${digest.slice(0, 12)}…`;
}
