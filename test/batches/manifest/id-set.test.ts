import fc from "fast-check";
import { expect, test } from "vitest";
import { createIdSet } from "../../../src/batches/manifest/id-set.ts";

test("remembers what a map would, through every growth", () => {
  const seen = createIdSet();
  const map = new Map<string, { line: number; content: string }>();
  for (let line = 1; line <= 5_000; line++) {
    const id = `id-${(line * 7919) % 3_001}`;
    const content = (line % 2).toString(16).padStart(8, "0");
    const known = map.get(id);
    expect(seen.note(id, { line, content })).toEqual(
      known === undefined ? undefined : { line: known.line, same: known.content === content },
    );
    if (known === undefined) map.set(id, { line, content });
  }
  expect(seen.size).toBe(map.size);
});

test("tells any two ids apart", () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.string(), { maxLength: 50 }), (ids) => {
      const seen = createIdSet();
      for (const id of ids) expect(seen.note(id, { line: 1, content: "00000000" })).toBeUndefined();
      for (const id of ids) expect(seen.note(id, { line: 2, content: "00000000" })).toEqual({ line: 1, same: true });
    }),
  );
});

test("a bare memory knows what went by, and nothing more", () => {
  const seen = createIdSet({ bare: true });
  for (let line = 1; line <= 3_000; line++)
    expect(seen.note(`id-${line}`, { line, content: "00000000" })).toBeUndefined();
  expect(seen.note("id-17", { line: 9, content: "ffffffff" })).toEqual({ line: 0, same: true });
  expect(seen.size).toBe(3_000);
});

test("one that has forgotten all is as good as new", () => {
  const seen = createIdSet();
  for (let line = 1; line <= 3_000; line++) seen.note(`id-${line}`, { line, content: "00000000" });
  seen.forget();
  expect(seen.size).toBe(0);
  expect(seen.note("id-7", { line: 9, content: "00000001" })).toBeUndefined();
  expect(seen.note("id-7", { line: 10, content: "00000001" })).toEqual({ line: 9, same: true });
});
