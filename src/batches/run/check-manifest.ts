// The one reading of a manifest: everything that is wrong with it is found, and what is right is kept as it will be
// recorded, before anything is enqueued.
import { createHash, type Hash } from "node:crypto";
import type { BatchItem } from "../../catalog/batches/encoded-items.ts";
import type { OpenCatalog } from "../../catalog/catalog.ts";
import { toRequest } from "../../domain/request/submission.ts";
import type { ManifestEntry, ManifestItem, ManifestSource } from "../manifest/entry.ts";
import { createFaultList, type FaultList } from "../manifest/faults.ts";
import { type ManifestOptions, readManifestParts } from "../manifest/manifest.ts";
import { inChunks } from "./chunks.ts";
import type { ItemSpool } from "./item-spool.ts";

/** What a manifest holds. */
export interface ManifestCheck {
  name: string;
  /** SHA-256 of its bytes, lower-case hex. */
  digest: string;
  items: number;
  /** Items that cannot be enqueued. */
  invalid: number;
  faults: FaultList;
}

export interface CheckOptions {
  /** Is given the items that can be enqueued. */
  kept: ItemSpool;
  catalog: OpenCatalog;
  manifest: ManifestOptions;
  signal: AbortSignal;
  onProgress?(items: number): void;
}

/** Reads a manifest to its end. Throws only where it cannot be read or kept, or when `signal` is aborted. */
export async function checkManifest(source: ManifestSource, options: CheckOptions): Promise<ManifestCheck> {
  const faults = createFaultList();
  const check = { name: source.name, items: 0, invalid: 0 };
  const digest = createHash("sha256");
  const parts = readManifestParts({ ...source, bytes: hashed(source.bytes, digest) }, options.manifest);
  for await (const chunk of inChunks(parts)) {
    options.signal.throwIfAborted();
    const { wrong, right } = sortOut(options.catalog, { chunk, before: check.items });
    check.items += chunk.length;
    check.invalid += wrong.length;
    for (const entry of wrong) faults.add(entry);
    await options.kept.keep(right, check.items);
    options.onProgress?.(check.items);
  }
  return { ...check, digest: digest.digest("hex"), faults };
}

async function* hashed(bytes: AsyncIterable<Uint8Array>, digest: Hash): AsyncGenerator<Uint8Array> {
  for await (const piece of bytes) {
    digest.update(piece);
    yield piece;
  }
}

/** The entries of a chunk that cannot be enqueued, and the items that can. */
function sortOut(catalog: OpenCatalog, { chunk, before }: { chunk: readonly ManifestEntry[]; before: number }) {
  const taken = findTaken(catalog, chunk);
  const wrong = [];
  const right: BatchItem[] = [];
  for (const [index, entry] of chunk.entries()) {
    if ("faults" in entry) wrong.push(entry);
    else if (isTaken(entry, taken)) wrong.push(takenFault(entry));
    else right.push(toItem(entry, before + index + 1));
  }
  return { wrong, right };
}

/** The ids that stand in the catalog with other content. */
function findTaken(catalog: OpenCatalog, chunk: readonly ManifestEntry[]): Set<string> {
  const wanted = [];
  for (const entry of chunk) {
    if ("faults" in entry || entry.duplicateOf !== undefined) continue;
    wanted.push({ request_id: entry.submission.request_id, content_hash: entry.contentHash });
  }
  return new Set(catalog.batches.findConflicts(wanted));
}

function isTaken({ submission, duplicateOf }: ManifestItem, taken: ReadonlySet<string>): boolean {
  return duplicateOf === undefined && taken.has(submission.request_id);
}

function takenFault({ line, submission: { request_id } }: ManifestItem) {
  const message = `wanted an id of its own, got "${request_id}", which stands in the catalog with other content`;
  return { line, faults: [{ field: "request_id", message }] };
}

function toItem({ line, submission, contentHash, duplicateOf }: ManifestItem, item: number): BatchItem {
  const request = toRequest(submission, { requestId: submission.request_id, random: Math.random, contentHash });
  return { item, line, isDuplicate: duplicateOf !== undefined, request };
}
