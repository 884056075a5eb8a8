// The checked items of a manifest, on disk for as long as they are enqueued: nothing is enqueued before all is checked, so
// each would have to be read, expanded and checked twice, and standard input and a web server give a manifest once.
// What somebody does to the file meanwhile cannot slip in what was not checked.
import type { FileHandle } from "node:fs/promises";
import { type BatchItem, encodeItem } from "../../catalog/batches/encoded-items.ts";
import { openAnonymousTempFile } from "../../storage/anonymous-temp-file.ts";

/** A chunk of items as it lies on disk. */
export interface SpoolChunk {
  /** Written items, each on a line: as bytes they go from thread to thread for next to nothing. */
  lines: Uint8Array;
  /** How many items of the manifest were read up to its end, those that are wrong among them. */
  read: number;
}

/** Checked items that can be gone through once they are all there. Whoever opened it removes it. */
export interface ItemSpool {
  /** Adds items; `read` of the manifest are read by now. */
  keep(items: readonly BatchItem[], read: number): Promise<void>;
  /** All that was kept so far. */
  pieces(): AsyncGenerator<SpoolChunk>;
  remove(): Promise<void>;
}

/**
 * What one transaction carries well: so many rows hold the catalog for some 30 ms, and share most of the pages they touch.
 * Of long prompts fewer, so that the few pieces in hand are little whatever the manifest holds.
 */
const PIECE_ITEMS = 2_000;
const PIECE_BYTES = 2 * 1024 ** 2;

/** Opens an empty file for them; memory does not grow with it. */
export async function openItemSpool(): Promise<ItemSpool> {
  const file = await openAnonymousTempFile("items");
  const places: { from: number; bytes: number; read: number }[] = [];
  const page = createPage();
  let from = 0;
  let readUpTo = 0;
  const endPiece = async () => {
    const lines = page.lines();
    await file.writeFile(lines);
    places.push({ from, bytes: lines.length, read: readUpTo });
    from += lines.length;
    page.clear();
  };
  return {
    keep: async (items, read) => {
      for (const item of items) {
        page.write(item);
        readUpTo = item.item;
        if (page.isFull()) await endPiece();
      }
      readUpTo = read;
    },
    pieces: async function* () {
      if (readUpTo > (places.at(-1)?.read ?? 0)) await endPiece();
      for (const { from, bytes, read } of places) yield { lines: await readPiece(file, { from, bytes }), read };
    },
    remove: () => file.close(),
  };
}

const LINE_END = 10;

/** Written items gather on it as bytes. One text for all would be the encoder's slow way as soon as one item has Chinese in it. */
function createPage() {
  let room = Buffer.allocUnsafe(PIECE_BYTES);
  let end = 0;
  let items = 0;
  return {
    write: (item: BatchItem) => {
      const text = JSON.stringify(encodeItem(item));
      // a character takes three bytes at most
      const wanted = end + text.length * 3 + 1;
      if (wanted > room.length) room = Buffer.concat([room.subarray(0, end)], wanted);
      end += room.write(text, end);
      room[end++] = LINE_END;
      items++;
    },
    isFull: () => items >= PIECE_ITEMS || end >= PIECE_BYTES,
    lines: () => room.subarray(0, end),
    clear: () => {
      end = 0;
      items = 0;
    },
  };
}

async function readPiece(file: FileHandle, { from, bytes }: { from: number; bytes: number }): Promise<Uint8Array> {
  const lines = new Uint8Array(bytes);
  const { bytesRead } = await file.read(lines, 0, bytes, from);
  if (bytesRead === bytes) return lines;
  throw new Error(`Cannot read the kept items: got ${bytesRead} bytes at ${from}, wanted ${bytes}`);
}
