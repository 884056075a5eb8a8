// The one reading of a manifest: what is wrong is told, what is right is kept with its place, and nothing is recorded.
import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { checkManifest } from "../../../src/batches/run/check-manifest.ts";
import { openItemSpool } from "../../../src/batches/run/item-spool.ts";
import { decodeItems } from "../../../src/catalog/batches/encoded-items.ts";
import { collect } from "../../support/collect.ts";
import { beginWith, newBatch, openTestCatalog, requestOf } from "./support.ts";

const never = new AbortController().signal;

async function* bytesOf(text: string): AsyncGenerator<Uint8Array> {
  // in small pieces, as a network may bring them
  for (let from = 0; from < text.length; from += 7) yield Buffer.from(text.slice(from, from + 7));
}

test("faults, duplicates and taken ids; the rest is kept as it will be recorded", async () => {
  await using place = await openTestCatalog();
  const { catalog } = place;
  await beginWith(catalog, newBatch("old"), [requestOf("held")]);
  const lines = [
    { prompt: "a", request_id: "a", seed: 7, metadata: { k: [1, null] } },
    { promt: "b" },
    { prompt: "other content", request_id: "held" },
    { prompt: "a", request_id: "a", seed: 7, metadata: { k: [1, null] } },
    { prompt: "c" },
  ];
  const text = lines.map((line) => `${JSON.stringify(line)}\n`).join("");
  const kept = await openItemSpool();
  const check = await checkManifest(
    { name: "m.jsonl", bytes: bytesOf(text) },
    { kept, catalog, manifest: { collection: "night" }, signal: never },
  );
  expect(check).toMatchObject({ name: "m.jsonl", items: 5, invalid: 2 });
  expect(check.digest).toBe(createHash("sha256").update(text).digest("hex"));
  expect(check.faults.shown.map(({ line, field }) => `${line} ${field}`)).toEqual([
    "2 prompt",
    "2 promt",
    "3 request_id",
  ]);
  const [piece, ...more] = await collect(kept.pieces());
  await kept.remove();
  expect([piece?.read, more]).toEqual([5, []]);
  const items = [...decodeItems(piece?.lines ?? new Uint8Array())];
  expect(items.map(([item, , isDuplicate]) => [item, isDuplicate])).toEqual([
    [1, false],
    [4, true],
    [5, false],
  ]);
  expect([...catalog.listRequests()]).toHaveLength(1);
  await catalog.batches.start(newBatch("new"));
  await catalog.batches.acceptEncoded("new", piece?.lines ?? new Uint8Array());
  const [a, c] = [...catalog.listRequests({ batch: "new" })];
  expect(a).toMatchObject({ request_id: "a", collection: "night", metadata: { k: [1, null] }, batch_item: 1 });
  expect(a?.recipe).toMatchObject({ prompt: "a", seed: 7, steps: 20 });
  expect(c?.request_id).toMatch(/^m-[0-9a-f]{32}$/);
});

test("a reading that is interrupted ends with the reason", async () => {
  await using place = await openTestCatalog();
  const kept = await openItemSpool();
  const reading = checkManifest(
    { name: "m.jsonl", bytes: bytesOf('{"prompt":"a"}\n') },
    { kept, catalog: place.catalog, manifest: {}, signal: AbortSignal.abort(new Error("enough")) },
  );
  await expect(reading).rejects.toThrow("enough");
  await kept.remove();
});
