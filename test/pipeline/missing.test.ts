import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { imageKey, sidecarKey } from "../../src/domain/keys.ts";
import { toAnswerRecord } from "../../src/pipeline/answer-record.ts";
import { missingIndexes, nextCall } from "../../src/pipeline/missing.ts";
import type { Answer } from "../../src/pipeline/ports.ts";
import { call, detail, RECIPE } from "../domain/records.ts";

describe("the next call", () => {
  test("is the recipe itself as long as nothing came", () => {
    expect(nextCall(detail(4), { ...RECIPE, n: 4 })).toEqual({ n: 4, seed: 42 });
  });

  test("asks for the missing images alone, under a seed of their own that every retry repeats", () => {
    const one = nextCall(detail(4, [0, 2]), { ...RECIPE, n: 4 });
    expect(one).toEqual({ n: 2, seed: expect.any(Number) });
    expect(one.seed).not.toBe(42);
    expect(nextCall(detail(4, [0, 2]), { ...RECIPE, n: 4 })).toEqual(one);
    // other images are missing: the same seed would bring the same pictures again
    expect(nextCall(detail(4, [0, 1]), { ...RECIPE, n: 4 }).seed).not.toBe(one.seed);
  });

  test("asks for what is missing, whatever came", () => {
    const some = fc.uniqueArray(fc.integer({ min: 0, max: 3 }));
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4 }), some, (n, came) => {
        const there = came.filter((index) => index < n);
        const missing = missingIndexes(detail(n, there));
        expect([...missing, ...there].sort()).toEqual([0, 1, 2, 3].slice(0, n));
        if (missing.length === 0) return;
        const next = nextCall(detail(n, there), { ...RECIPE, n });
        expect(next.n).toBe(missing.length);
        expect(next.seed).toBeGreaterThanOrEqual(0);
        expect(next.seed).toBeLessThan(2 ** 31);
      }),
    );
  });
});

describe("the record of an answer", () => {
  const answered = (images: Answer["images"]): Answer => ({
    created: 1_000,
    images,
    usage: null,
    http_status: 200,
    api_request_id: null,
  });
  const record = (images: Answer["images"], came: number[] = [], n = 4) =>
    toAnswerRecord(detail(n, came), { call: call({ number: 3 }), answer: answered(images), urlLifetimeMs: 500 });
  const url = (name: string) => ({ url: `https://images.test/${name}` });

  test("places the images at the missing indexes, in the order in which they came", () => {
    const { images, complete, expires_at } = record([url("a"), url("b")], [1, 2]);
    expect(images).toEqual([
      { index: 0, url: "https://images.test/a", spool_file: null, expires_at: 1_000_500 },
      { index: 3, url: "https://images.test/b", spool_file: null, expires_at: 1_000_500 },
    ]);
    expect([complete, expires_at]).toEqual([true, 1_000_500]);
  });

  test.each([
    ["fewer than asked for", [url("a")], false, 1],
    ["as many", [url("a"), url("b")], true, 2],
    ["more: what was not asked for is left", [url("a"), url("b"), url("c")], true, 2],
    ["none", [], false, 0],
  ])("is complete or not: %s", (_, images, complete, kept) => {
    const made = record(images, [], 2);
    expect([made.complete, made.images.length]).toEqual([complete, kept]);
  });

  test("names the files of bytes by request, call and index; with bytes alone nothing dies", () => {
    const bytes = Buffer.from("png");
    const made = record([{ bytes }, { bytes, ...url("b") }], [0, 1]);
    expect(made.spooled).toEqual([
      { name: "r.3.2", bytes },
      { name: "r.3.3", bytes },
    ]);
    expect(made.images).toEqual([
      { index: 2, url: null, spool_file: "r.3.2", expires_at: null },
      { index: 3, url: "https://images.test/b", spool_file: "r.3.3", expires_at: 1_000_500 },
    ]);
    expect(record([{ bytes }], [], 1).expires_at).toBeNull();
  });
});

test("things lie where the layout says", () => {
  const digest = `ab${"c".repeat(62)}`;
  expect(imageKey(digest, "webp")).toBe(`images/ab/${digest}.webp`);
  expect(sidecarKey({ request_id: "r-1", created_at: Date.UTC(2026, 0, 2, 23, 59, 59, 999) })).toBe(
    "requests/2026/01/02/r-1.json",
  );
});
