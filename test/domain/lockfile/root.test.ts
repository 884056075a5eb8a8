// The root of a lock: the same for the same entries in any order, another one for any change.
import fc from "fast-check";
import { expect, test } from "vitest";
import type { LockEntry } from "../../../src/domain/lockfile/entry.ts";
import { describeRoot, rootOf } from "../../../src/domain/lockfile/root.ts";
import { anyEntries, entry } from "./entries.ts";

test("the order of the entries makes no difference", () => {
  fc.assert(
    fc.property(anyEntries, fc.infiniteStream(fc.nat()), (entries, dice) => {
      const shuffled = entries
        .map((one) => ({ one, at: dice.next().value }))
        .sort((a, b) => a.at - b.at)
        .map(({ one }) => one);
      expect(rootOf(shuffled)).toBe(rootOf(entries));
    }),
  );
});

const CHANGES: Record<string, (entry: LockEntry) => LockEntry> = {
  "another id": (one) => ({ ...one, request_id: `${one.request_id}x` }),
  "another recipe": (one) => ({ ...one, recipe_id: "0".repeat(64) }),
  "another prompt": (one) => ({ ...one, prompt: `${one.prompt}.` }),
  "another size": (one) => withImage(one, { bytes: 7 }),
  "another digest": (one) => withImage(one, { digest: "0".repeat(64) }),
  "another key": (one) => withImage(one, { key: "images/00/0.png" }),
  "another type": (one) => withImage(one, { content_type: "image/webp" }),
  "another index": (one) => withImage(one, { index: 9 }),
  "one image less": (one) => ({ ...one, images: one.images.slice(1) }),
};

function withImage(one: LockEntry, change: Partial<LockEntry["images"][number]>): LockEntry {
  return { ...one, images: one.images.map((image, at) => (at === 0 ? { ...image, ...change } : image)) };
}

test.each(Object.entries(CHANGES))("%s in any entry makes another root", (_, change) => {
  fc.assert(
    fc.property(anyEntries, fc.nat(), (entries, dice) => {
      const at = dice % entries.length;
      const changed = entries.map((one, place) => (place === at ? change(one) : one));
      expect(rootOf(changed)).not.toBe(rootOf(entries));
    }),
  );
});

test("one entry more or less makes another root", () => {
  fc.assert(
    fc.property(anyEntries, (entries) => {
      expect(rootOf(entries.slice(1))).not.toBe(rootOf(entries));
    }),
  );
});

test("the line for people counts images and requests", () => {
  expect(describeRoot({ root: "sha256:ab", images: 1240, requests: 620 })).toBe(
    "root sha256:ab (1,240 images of 620 requests)",
  );
  expect(describeRoot({ root: rootOf([entry("a")]), images: 1, requests: 1 })).toMatch(/\(1 image of 1 request\)$/);
});
