// A lock beside the manifest as it is now: what was added, changed and removed since. Asks neither catalog nor store.

import type { ManifestEntry } from "../batches/manifest/entry.ts";
import { createLockComparison, type LockDifference } from "../domain/lockfile/compare.ts";
import type { LockEntry } from "../domain/lockfile/entry.ts";
import { askedRecipe } from "./lock.ts";

/** Where a manifest and a lock part; `invalid` items are no requests. */
export type ManifestDifference = Omit<LockDifference, "kind" | "request_id"> & {
  kind: LockDifference["kind"] | "invalid";
  request_id: string | null;
};

export interface ManifestCompared {
  /** Requests in the manifest, duplicates apart. */
  requests: number;
  /** Of them those whose seed is drawn: their recipes are not compared. */
  uncompared: number;
  found: ManifestDifference[];
}

/** Reads the manifest to its end. */
export async function compareLock(
  lock: readonly LockEntry[],
  manifest: AsyncIterable<ManifestEntry>,
  options: { signal: AbortSignal; onProgress?(requests: number): void },
): Promise<ManifestCompared> {
  const comparison = createLockComparison(lock);
  const found: ManifestDifference[] = [];
  let requests = 0;
  for await (const entry of manifest) {
    options.signal.throwIfAborted();
    if ("faults" in entry) {
      const reason = entry.faults.map(({ field, message }) => `${field}: ${message}`).join("; ");
      found.push({ kind: "invalid", request_id: null, line: entry.line, reason });
    } else if (entry.duplicateOf === undefined) {
      const { submission, line } = entry;
      const { request_id } = submission;
      const parting = comparison.compare({ line, request_id, recipe_id: askedRecipe(submission) });
      if (parting !== undefined) found.push(parting);
      requests += 1;
      options.onProgress?.(requests);
    }
  }
  return { requests, uncompared: comparison.uncompared, found: [...found, ...comparison.remaining()] };
}
