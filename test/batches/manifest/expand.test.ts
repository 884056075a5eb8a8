import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Frame } from "../../../src/batches/manifest/entry.ts";
import { EXPANSION_LIMIT, expandItem } from "../../../src/batches/manifest/expand.ts";

/** A frame whose matrix holds plain values. */
type PlainFrame = Partial<Omit<Frame, "matrix"> & { matrix: ReadonlyMap<string, readonly unknown[]> }>;

function expand(fields: Record<string, unknown>, { matrix = new Map(), ...frame }: PlainFrame = {}) {
  const toValue = (value: unknown) => ({ value, text: typeof value === "object" ? undefined : String(value) });
  const values = new Map([...matrix].map(([name, list]) => [name, list.map(toValue)]));
  return [...expandItem({ line: 1, fields }, { defaults: {}, templates: true, ...frame, matrix: values })];
}

function fieldsOf(fields: Record<string, unknown>, frame?: PlainFrame): unknown[] {
  return expand(fields, frame).map((expanded) => ("fields" in expanded ? expanded.fields : expanded.faults));
}

describe("who is heard", () => {
  const defaults = { steps: 10, seed: 1 };
  test.each([
    ["a default counts where nothing else is said", {}, {}, [{ steps: 10, seed: 1 }]],
    [
      "the document's matrix counts more than a default",
      {},
      { steps: [20, 30] },
      [20, 30].map((steps) => ({ steps, seed: 1 })),
    ],
    ["the item counts more than the document's matrix", { steps: 40 }, { steps: [20, 30] }, [{ steps: 40, seed: 1 }]],
    [
      "the item's own matrix counts most",
      { matrix: { steps: [5, 6] } },
      { steps: [20] },
      [5, 6].map((steps) => ({ steps, seed: 1 })),
    ],
    ["seeds of the item push a default seed out", { seeds: 3 }, {}, [{ steps: 10, seeds: 3 }]],
    ["seeds of the matrix push a default seed out", {}, { seeds: [3] }, [{ steps: 10, seeds: 3 }]],
    ["a seed of the item pushes seeds of the matrix out", { seed: 9 }, { seeds: [3] }, [{ steps: 10, seed: 9 }]],
    [
      "a seed in the item's own matrix too",
      { matrix: { seed: [8, 9] } },
      { seeds: [3] },
      [8, 9].map((seed) => ({ steps: 10, seed })),
    ],
  ])("%s", (_, item, matrix, expected) => {
    expect(fieldsOf(item, { defaults, matrix: new Map(Object.entries(matrix)) })).toEqual(expected);
  });

  test("one place that says two things is at fault", () => {
    expect(fieldsOf({ seed: 1, seeds: 2 })).toEqual([
      [{ field: "seeds", message: "wanted either seed or seeds, not both" }],
    ]);
    expect(fieldsOf({ steps: 1, matrix: { steps: [2] } })).toEqual([
      [{ field: "steps", message: "wanted it either by itself or in the matrix, not both" }],
    ]);
  });
});

describe("a template", () => {
  const matrix = new Map<string, unknown[]>([
    ["style", ["oil", "ink"]],
    ["size", [1, 2]],
    ["steps", [7]],
  ]);

  test.each([
    ["names variables and fields", "a fox, {style}, {steps}", ["a fox, oil, 7", "a fox, ink, 7"]],
    ["is multiplied by what it names only", "a fox", ["a fox"]],
    ["may name one twice", "{size}{size}", ["11", "22"]],
    ["has braces that stand for themselves", "{{style}} {{{size}}} }", ["{style} {1} }", "{style} {2} }"]],
  ])("%s", (_, prompt, expected) => {
    const prompts = expand({ prompt }, { matrix }).map((one) => ("fields" in one ? one.fields.prompt : one));
    expect(prompts).toEqual(expected);
  });

  test("reaches into tags and metadata, and leaves what is no text alone", () => {
    expect(fieldsOf({ prompt: "x", n: 2, tags: ["{size}"], metadata: { a: ["{size}", 3] } }, { matrix })).toEqual(
      ["1", "2"].map((size) => ({ prompt: "x", n: 2, tags: [size], metadata: { a: [size, 3] }, steps: 7 })),
    );
  });

  test("may name a field of the matrix for which the item has a value of its own", () => {
    expect(fieldsOf({ prompt: "{steps}", steps: 9 }, { matrix })).toEqual([{ prompt: "9", steps: 9 }]);
  });

  test("does not fill in what a value brought", () => {
    expect(fieldsOf({ prompt: "{a}", matrix: { a: ["{b}"] } })).toEqual([{ prompt: "{b}" }]);
  });

  test("is multiplied in the order that a nested loop would have", () => {
    const list = fc.uniqueArray(fc.integer({ min: 0, max: 99 }), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(list, list, list, (a, b, c) => {
        const frame = {
          matrix: new Map([
            ["a", a],
            ["b", b],
          ]),
        };
        const prompts = expand({ prompt: "{a}-{b}-{c}", matrix: { c } }, frame);
        const loops = a.flatMap((x) => b.flatMap((y) => c.map((z) => ({ fields: { prompt: `${x}-${y}-${z}` } }))));
        expect(prompts).toEqual(loops);
      }),
    );
  });
});

describe("a matrix", () => {
  test.each([
    [{ "a b": [1] }, "matrix.a b", "wanted a name of letters, digits and _"],
    [{ a: "x" }, "matrix.a", "wanted a list of at least one value"],
    [{ a: [{}] }, "matrix.a", "wanted texts or numbers, since no field of a request has this name"],
    [{ a: [1] }, "matrix.a", "no field of a request, and no text names {a}"],
    [[1], "matrix", "wanted names with lists of values"],
  ])("%j is at fault", (matrix, field, message) => {
    expect(fieldsOf({ prompt: "x", matrix })).toEqual([[{ field, message }]]);
  });

  test("that would never come to an end is at fault before it begins", () => {
    const list = Array.from({ length: 101 }, (_, index) => index);
    expect(fieldsOf({ prompt: "{a}{b}{c}", matrix: { a: list, b: list, c: list } })).toEqual([
      [{ field: "matrix", message: `wanted at most ${EXPANSION_LIMIT} requests of one item, got ${101 ** 3}` }],
    ]);
  });
});
