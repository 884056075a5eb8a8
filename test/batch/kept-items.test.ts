// What is kept of a manifest comes back as it was, piece by piece, and leaves nothing behind.
import { readdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { expect, test } from "vitest";
import { type KeptItems, openKeptItems } from "../../src/batch/kept-items.ts";
import { type BatchItem, parseWritten, toWritten } from "../../src/catalog/written-items.ts";
import { requestOf } from "./support.ts";

function items(from: number, count: number, fields: object = {}): BatchItem[] {
  return Array.from({ length: count }, (_, index) => ({
    item: from + index,
    isDuplicate: false,
    request: requestOf(`r-${from + index}`, { metadata: { note: "雪地里的狐狸 🦊\n" }, tags: ["x"], ...fields }),
  }));
}

async function piecesOf(kept: KeptItems) {
  const pieces: { items: unknown[]; read: number }[] = [];
  for await (const { lines, read } of kept.pieces()) pieces.push({ items: [...parseWritten(lines)], read });
  return pieces;
}

test("items come back in their order and whole, two thousand or more to a piece, as often as they are asked for", async () => {
  const kept = await openKeptItems();
  await kept.keep(items(1, 1100), 1103);
  await kept.keep(items(1101, 1100), 2203);
  await kept.keep([], 2205);
  await kept.keep(items(2201, 300), 2505);
  const wanted = [
    { items: items(1, 2200).map(toWritten), read: 2203 },
    { items: items(2201, 300).map(toWritten), read: 2505 },
  ];
  expect(await piecesOf(kept)).toEqual(wanted);
  expect(await piecesOf(kept)).toEqual(wanted);
  await kept.remove();
  await expect(piecesOf(kept)).rejects.toThrow();
});

test("long prompts get the room they need", async () => {
  const kept = await openKeptItems();
  const long = items(1, 60, { prompt: "狐".repeat(32_768) });
  await kept.keep(long, 60);
  expect(await piecesOf(kept)).toEqual([{ items: long.map(toWritten), read: 60 }]);
  await kept.remove();
});

test("where all that was read last is wrong, a piece without items says how far it went", async () => {
  const kept = await openKeptItems();
  expect(await piecesOf(kept)).toEqual([]);
  await kept.keep([], 7);
  expect(await piecesOf(kept)).toEqual([{ items: [], read: 7 }]);
  await kept.remove();
});

test("the file has no name: whatever ends the process, nothing stays", async () => {
  const before = new Set(await readdir(tmpdir()));
  const kept = await openKeptItems();
  await kept.keep(items(1, 10), 10);
  const added = (await readdir(tmpdir())).filter(
    (name) => !before.has(name) && name.startsWith("asset-archiver-items-"),
  );
  expect(added).toEqual([]);
  await kept.remove();
});
