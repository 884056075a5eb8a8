// Lock files written and read again, and what is reported for invalid ones.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ConfigError } from "../../../src/domain/errors.ts";
import { type LockEntry, promptPrefix } from "../../../src/domain/lockfile/entry.ts";
import { parseLock } from "../../../src/domain/lockfile/read.ts";
import { rootOf } from "../../../src/domain/lockfile/root.ts";
import type { LockDefaults } from "../../../src/domain/lockfile/write.ts";
import { anyEntries, entry } from "./entries.ts";
import { lockText } from "./lock-text.ts";

function write(entries: readonly LockEntry[], defaults: LockDefaults = {}): string {
  return lockText({ ...defaults, entries, root: rootOf(entries) });
}

function faultsOf(text: string): string[] {
  try {
    parseLock(text, "assets.lock.json");
  } catch (error) {
    if (!(error instanceof ConfigError) || error.code !== "lock_file_invalid") throw error;
    return error.faults.length > 0 ? error.faults.map((one) => `${one.field}: ${one.message}`) : [error.message];
  }
  throw new Error("Got a lock, wanted faults");
}

describe("a lock file", () => {
  test("that was written is read as it was, reformatted or not", () => {
    fc.assert(
      fc.property(anyEntries, fc.boolean(), (entries, given) => {
        const defaults = given ? { collection: "animals", tags: ["fox"] } : {};
        const text = write(entries, defaults);
        const images = entries.reduce((sum, one) => sum + one.images.length, 0);
        const wanted = { ...defaults, entries: [...entries], root: rootOf(entries), images };
        expect(parseLock(text, "x")).toEqual(wanted);
        expect(parseLock(JSON.stringify(JSON.parse(text), null, 4), "x")).toEqual(wanted);
      }),
    );
  });

  test("has a line for each entry, in the order given, and the same bytes for the same entries", () => {
    const text = write([entry("b", { n: 2 }), entry("a")]);
    expect(text.split("\n")).toEqual([
      "{",
      '  "version": 1,',
      '  "entries": [',
      expect.stringMatching(/^ {4}\{"request_id":"b",.*\},$/),
      expect.stringMatching(/^ {4}\{"request_id":"a",.*\}$/),
      "  ],",
      expect.stringMatching(/^ {2}"root": "sha256:[0-9a-f]{64}"$/),
      "}",
      "",
    ]);
    expect(write(JSON.parse(JSON.stringify([entry("b", { n: 2 }), entry("a")])))).toBe(text);
  });

  test("may be empty", () => {
    expect(parseLock(write([]), "x")).toMatchObject({ entries: [], images: 0 });
  });
});

describe("a lock file that was edited", () => {
  const good = entry("fox-1", { n: 2 });
  const edited = (change: (one: LockEntry) => unknown) =>
    JSON.stringify({ version: 1, entries: [entry("a"), change(good)], root: rootOf([entry("a"), good]) });
  const withImage = (change: object) => ({ ...good, images: [{ ...good.images[0], ...change }, good.images[1]] });

  test.each<[string, (one: LockEntry) => unknown, string]>([
    ["an invalid recipe id", (one) => ({ ...one, recipe_id: "ABC" }), "entries.1.recipe_id: wanted a SHA-256"],
    ["an invalid request id", (one) => ({ ...one, request_id: "a:b" }), "entries.1.request_id: wanted a request id"],
    ["a misspelt field", (one) => ({ ...one, promt: "x" }), "entries.1.promt: unknown field"],
    ["no images", (one) => ({ ...one, images: [] }), "entries.1.images: wanted at least 1 entries"],
    [
      "a key of another digest",
      () => withImage({ key: "images/ab/cd.png" }),
      "entries.1.images.0.key: wanted the key of",
    ],
    [
      "a type of another key",
      () => withImage({ content_type: "image/webp" }),
      "entries.1.images.0.key: wanted the key of",
    ],
    ["a size of 0", () => withImage({ bytes: 0 }), "entries.1.images.0.bytes: wanted at least 1, got 0"],
    ["an index twice", () => withImage({ index: 1 }), "entries.1.images: wanted each index once"],
    ["a request twice", () => entry("a"), "entries.1.request_id: wanted each request once"],
    ["half a character", (one) => ({ ...one, prompt: "\ud800" }), "entries.1.prompt: wanted valid Unicode"],
    ["no entry at all", () => null, "entries.1: wanted an object, got null"],
  ])("to hold %s is refused with its place", (_, change, wanted) => {
    const [first, ...more] = faultsOf(edited(change));
    expect(first).toContain(wanted);
    expect(more).toEqual([]);
  });

  test.each<[string, (one: LockEntry) => unknown]>([
    ["another prompt", (one) => ({ ...one, prompt: "a blue fox" })],
    ["another size", () => withImage({ bytes: 5 })],
    ["one image less", (one) => ({ ...one, images: one.images.slice(0, 1) })],
  ])("to hold %s has not the root of its entries", (_, change) => {
    expect(faultsOf(edited(change))).toEqual([expect.stringMatching(/^root: wanted sha256:.*changed after/)]);
  });

  test("reports the request that a fault belongs to, and every fault at once", () => {
    const faults = faultsOf(edited(() => withImage({ bytes: 0, index: -1 })));
    expect(faults).toHaveLength(2);
    for (const fault of faults) expect(fault).toContain('(of request "fox-1")');
  });

  test.each([
    ["conflict marks of git", "{\n<<<<<<< HEAD\n", /assets\.lock\.json.*line 2/],
    ["another version", write([]).replace('"version": 1', '"version": 2'), /^version: wanted 1/],
    ["a list", "[]", /wanted an object/],
    ["no root", '{"version": 1, "entries": []}', /^root: /],
  ])("into %s is refused", (_, text, wanted) => {
    expect(faultsOf(text)[0]).toMatch(wanted);
  });
});

test.each([
  ["a red fox\n  in the\tsnow ", "a red fox in the snow"],
  ["x".repeat(100), "x".repeat(100)],
  ["x".repeat(101), `${"x".repeat(99)}…`],
  ["😀".repeat(101), `${"😀".repeat(99)}…`],
])("a prompt is shown in one line of at most 100 characters (%#)", (prompt, shown) => {
  expect(promptPrefix(prompt)).toBe(shown);
});

test.each([100, 3_300, 4_400, 300_000])("%i levels anywhere are a fault like any other", (levels) => {
  const deep = "[".repeat(levels) + "]".repeat(levels);
  const frame = (member: string) => `{"version":1,"root":"sha256:${"0".repeat(64)}",${member}}`;
  expect(faultsOf(frame(`"entries":[{"request_id":${deep}}]`))).toContainEqual(
    expect.stringMatching(/^entries\.0\.request_id: wanted a string, got \[\[\[/),
  );
  expect(faultsOf(frame(`"entries":[],"collection":${deep}`))).toEqual([
    expect.stringMatching(/^collection: wanted a string, got \[\[\[/),
  ]);
});
