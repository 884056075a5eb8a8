// Creates folders that survive a power failure: a new folder is durable only after its parent was synced.
import { open } from "node:fs/promises";
import { dirname } from "node:path";
import { makeFolder } from "./make-folder.ts";

/** Creates folders below one base, durably. */
export interface Folders {
  /** Resolves once `folder` and all its parents exist and are durable; cheap for a folder that was ensured before. */
  ensure(folder: string): Promise<void>;
}

/** Folders below `base` (absolute). Remembers which ones are durable, so that each parent is synced once. */
export function createFolders(base: string): Folders {
  const durable = new Set<string>();
  return {
    async ensure(folder) {
      const created = await makeFolder(folder);
      // another process may have just created it without syncing yet
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

// Up to the base; above it only what this call created: the rest is not ours, and may not be readable
function parentsToSync(folder: string, { base, created }: { base: string; created: string | undefined }): string[] {
  const top = created !== undefined && base.startsWith(created) ? dirname(created) : base;
  const parents: string[] = [];
  for (let at = folder; at !== top; ) {
    at = dirname(at);
    parents.push(at);
  }
  return parents;
}
