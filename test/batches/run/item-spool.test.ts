// What is kept of a manifest comes back as it was, piece by piece, and leaves nothing behind.
import { readdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { expect, test } from "vitest";
import { type ItemSpool, openItemSpool } from "../../../src/batches/run/item-spool.ts";
import { type BatchItem, decodeItems, encodeItem } from "../../../src/catalog/batches/encoded-items.ts";
import { requestOf } from "./support.ts";

function items(from: number, count: number, fields: object = {}): BatchItem[] {
  return Array.from({ length: count }, (_, index) => ({
    item: from + index,
    isDuplicate: false,
    request: requestOf(`r-${from + index}`, { metadata: { note: "雪地里的狐狸 🦊\n" }, tags: ["x"], ...fields }),
  }));
}

async function piecesOf(kept: ItemSpool) {
  const pieces: { items: unknown[]; read: number }[] = [];
  for await (const { lines, read } of kept.pieces()) pieces.push({ items: [...decodeItems(lines)], read });
  return pieces;
}

test("items come back in their order and whole, two thousand to a piece, as often as they are asked for", async () => {
  const kept = await openItemSpool();
  await kept.keep(items(1, 1100), 1103);
  await kept.keep(items(1104, 1100), 2203);
  await kept.keep([], 2205);
  const all = [...items(1, 1100), ...items(1104, 1100)].map(encodeItem);
  const wanted = [
    { items: all.slice(0, 2000), read: 2003 },
    { items: all.slice(2000), read: 2205 },
  ];
  expect(await piecesOf(kept)).toEqual(wanted);
  expect(await piecesOf(kept)).toEqual(wanted);
  await kept.remove();
  await expect(piecesOf(kept)).rejects.toThrow();
});

test("of long prompts there are fewer to a piece", async () => {
  const kept = await openItemSpool();
  const long = items(1, 60, { prompt: "狐".repeat(32_768) });
  await kept.keep(long, 60);
  const pieces = await piecesOf(kept);
  expect(pieces.flatMap((piece) => piece.items)).toEqual(long.map(encodeItem));
  expect(pieces.map(({ read }) => read)).toEqual([22, 44, 60]);
  await kept.remove();
});

test("where all that was read last is wrong, a piece without items says how far it went", async () => {
  const kept = await openItemSpool();
  expect(await piecesOf(kept)).toEqual([]);
  await kept.keep([], 7);
  expect(await piecesOf(kept)).toEqual([{ items: [], read: 7 }]);
  await kept.remove();
});

test("the file has no name: whatever ends the process, nothing stays", async () => {
  const before = new Set(await readdir(tmpdir()));
  const kept = await openItemSpool();
  await kept.keep(items(1, 10), 10);
  const added = (await readdir(tmpdir())).filter(
    (name) => !before.has(name) && name.startsWith("asset-archiver-items-"),
  );
  expect(added).toEqual([]);
  await kept.remove();
});
