// What the manifest's tests share: a manifest given as text, and what was read of it.
import type { ManifestEntry, ManifestItem } from "../../../src/batches/manifest/entry.ts";
import { type ManifestOptions, readManifest } from "../../../src/batches/manifest/manifest.ts";
import { collect } from "../../support/collect.ts";

/** A source of these bytes, cut into pieces of `pieceLength`: no reader may care where a piece ends. */
export async function* inPieces(text: string | Uint8Array, pieceLength = 7): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text);
  for (let start = 0; start < bytes.length; start += pieceLength) yield bytes.subarray(start, start + pieceLength);
}

/** All entries of a manifest. */
export function read(name: string, text: string | Uint8Array, options?: ManifestOptions): Promise<ManifestEntry[]> {
  return collect(readManifest({ name, bytes: inPieces(text) }, options));
}

/** The items of a manifest that must be right. */
export async function readItems(name: string, text: string, options?: ManifestOptions): Promise<ManifestItem[]> {
  const entries = await read(name, text, options);
  return entries.map((entry) => {
    if ("faults" in entry) throw new Error(`Got ${JSON.stringify(entry)}, wanted an item`);
    return entry;
  });
}

/** `line: field: message` of every fault, and `line: ok` of every item. */
export async function readLines(name: string, text: string, options?: ManifestOptions): Promise<string[]> {
  const entries = await read(name, text, options);
  return entries.flatMap((entry) =>
    "faults" in entry
      ? entry.faults.map(({ field, message, line = entry.line }) => `${line}: ${field}: ${message}`)
      : [`${entry.line}: ok`],
  );
}
