// The first reading of a manifest: everything that is wrong with it, before anything is enqueued.
import type { OpenCatalog } from "../catalog/catalog.ts";
import type { ManifestEntry, ManifestItem } from "../manifest/entry.ts";
import { createFaultList, type FaultList } from "../manifest/faults.ts";
import { type ManifestOptions, readManifest } from "../manifest/manifest.ts";
import { inChunks } from "./chunks.ts";
import type { KeptManifest } from "./kept-manifest.ts";

/** What a manifest holds. */
export interface ManifestCheck {
  items: number;
  /** Items that cannot be enqueued. */
  invalid: number;
  faults: FaultList;
}

export interface CheckOptions {
  catalog: OpenCatalog;
  manifest: ManifestOptions;
  signal: AbortSignal;
  onProgress?(items: number): void;
}

/** Reads a manifest to its end. Throws only where it cannot be read, or when `signal` is aborted. */
export async function checkManifest(kept: KeptManifest, options: CheckOptions): Promise<ManifestCheck> {
  const faults = createFaultList();
  const check = { items: 0, invalid: 0 };
  for await (const chunk of inChunks(readManifest(kept.open(), options.manifest))) {
    options.signal.throwIfAborted();
    const wrong = chunk.map((entry) => ("faults" in entry ? entry : undefined)).filter((entry) => entry !== undefined);
    const taken = takenIds(options.catalog, chunk);
    check.items += chunk.length;
    check.invalid += wrong.length + taken.length;
    for (const entry of [...wrong, ...taken].sort((a, b) => a.line - b.line)) faults.add(entry);
    options.onProgress?.(check.items);
  }
  return { ...check, faults };
}

/** Items whose id stands in the catalog with other content. */
function takenIds(catalog: OpenCatalog, chunk: readonly ManifestEntry[]) {
  const items = chunk.filter(
    (entry): entry is ManifestItem => "submission" in entry && entry.duplicateOf === undefined,
  );
  const wanted = items.map((item) => ({ request_id: item.submission.request_id, content_hash: item.contentHash }));
  const conflicts = new Set(catalog.batches.findConflicts(wanted));
  return items
    .filter((item) => conflicts.has(item.submission.request_id))
    .map(({ line, submission: { request_id } }) => ({
      line,
      faults: [{ field: "request_id", message: takenMessage(request_id) }],
    }));
}

function takenMessage(requestId: string): string {
  return `wanted an id of its own, got "${requestId}", which stands in the catalog with other content`;
}
