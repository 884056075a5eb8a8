// What is kept of a manifest comes back as it was, piece by piece, and leaves nothing behind.
import { readdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { expect, test } from "vitest";
import { type KeptItems, openKeptItems } from "../../src/batch/kept-items.ts";
import { toWritten, type WrittenItem } from "../../src/catalog/written-items.ts";
import { requestOf } from "./support.ts";

function items(from: number, count: number): WrittenItem[] {
  return Array.from({ length: count }, (_, index) =>
    toWritten({
      item: from + index,
      request: requestOf(`r-${from + index}`, { metadata: { note: "雪地里的狐狸 🦊\n" }, tags: ["x"] }),
    }),
  );
}

async function piecesOf(kept: KeptItems) {
  const pieces: { items: WrittenItem[]; read: number }[] = [];
  for await (const { json, read } of kept.pieces())
    pieces.push({ items: JSON.parse(new TextDecoder().decode(json)), read });
  return pieces;
}

test("pieces come back in their order and whole, as often as they are asked for", async () => {
  const kept = await openKeptItems();
  await kept.keep(items(1, 2), 3);
  await kept.keep([], 5);
  await kept.keep(items(6, 300), 305);
  const wanted = [
    { items: items(1, 2), read: 3 },
    { items: [], read: 5 },
    { items: items(6, 300), read: 305 },
  ];
  expect(await piecesOf(kept)).toEqual(wanted);
  expect(await piecesOf(kept)).toEqual(wanted);
  await kept.remove();
  await expect(piecesOf(kept)).rejects.toThrow();
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
