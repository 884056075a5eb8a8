// Folders that survive a power cut: a new folder is durable only when its parent has been synced.
import { open } from "node:fs/promises";
import { dirname } from "node:path";
import { makeFolder } from "./make-folder.ts";

/** Makes folders below one base, durably. */
export interface Folders {
  /** Resolves once `folder` is there and durable, with all its parents; cheap when it was seen before. */
  ensure(folder: string): Promise<void>;
}

/** Folders below `base` (absolute). Remembers which ones are durable, so that each parent is synced once. */
export function createFolders(base: string): Folders {
  const durable = new Set<string>();
  return {
    async ensure(folder) {
      const created = await makeFolder(folder);
      // one that was there already may have been made a moment ago by somebody who has not synced it yet
      if (created === undefined && durable.has(folder)) return;
      for (const parent of parentsToSync(folder, { base, created })) await syncFolder(parent);
      durable.add(folder);
    },
  };
}

/** Syncs the entries of a folder: new names, renames, removals. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

// Up to the base; above it only what this call made: the rest is not ours, and may not be readable
function parentsToSync(folder: string, { base, created }: { base: string; created: string | undefined }): string[] {
  const top = created !== undefined && base.startsWith(created) ? dirname(created) : base;
  const parents: string[] = [];
  for (let at = folder; at !== top; ) {
    at = dirname(at);
    parents.push(at);
  }
  return parents;
}
