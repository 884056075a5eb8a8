// The checked items of a manifest, on disk for as long as they are enqueued: nothing is enqueued before all is checked, so
// each would have to be read, expanded and checked twice, and standard input and a web server give a manifest once.
// What somebody does to the file meanwhile cannot slip in what was not checked.
import { type FileHandle, mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { WrittenItem } from "../catalog/written-items.ts";

/** A chunk of items as it lies on disk. */
export interface KeptPiece {
  /** A JSON array of `WrittenItem`: as bytes it goes from thread to thread for next to nothing. */
  json: Uint8Array;
  /** How many items of the manifest were read up to its end, those that are wrong among them. */
  read: number;
}

/** Checked items that can be gone through once they are all there. Whoever opened it removes it. */
export interface KeptItems {
  keep(items: readonly WrittenItem[], read: number): Promise<void>;
  pieces(): AsyncGenerator<KeptPiece>;
  remove(): Promise<void>;
}

/** Opens an empty file for them; memory does not grow with it. */
export async function openKeptItems(): Promise<KeptItems> {
  const file = await openNameless();
  const places: { from: number; bytes: number; read: number }[] = [];
  let from = 0;
  return {
    keep: async (items, read) => {
      const json = Buffer.from(JSON.stringify(items));
      await file.writeFile(json);
      places.push({ from, bytes: json.length, read });
      from += json.length;
    },
    pieces: async function* () {
      for (const { from, bytes, read } of places) yield { json: await readPiece(file, { from, bytes }), read };
    },
    remove: () => file.close(),
  };
}

// without a name it goes with the process, however that ends
async function openNameless(): Promise<FileHandle> {
  const folder = await mkdtemp(join(tmpdir(), "asset-archiver-items-"));
  try {
    return await open(join(folder, "items"), "wx+", 0o600);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function readPiece(file: FileHandle, { from, bytes }: { from: number; bytes: number }): Promise<Uint8Array> {
  const json = new Uint8Array(bytes);
  const { bytesRead } = await file.read(json, 0, bytes, from);
  if (bytesRead === bytes) return json;
  throw new Error(`Cannot read the kept items: got ${bytesRead} bytes at ${from}, wanted ${bytes}`);
}
