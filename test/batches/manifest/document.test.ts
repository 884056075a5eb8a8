import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { read, readItems, readLines } from "./support.ts";

const NIGHT = `# foxes
defaults:
  collection: animals
  steps: 30
matrix:
  style: [oil painting, woodcut]
  aspect_ratio: [16:9, "1:1"]
seeds: 2
items:
  - prompt: a red fox, {style}
    tags: ["{style}"]

  - prompt: a heron
    aspect_ratio: 3:4
  - a badger, {style}
`;

/** The same as JSON, a part on each line as people write it. */
const NIGHT_JSON = JSON.stringify(parse(NIGHT), null, 2);

describe.each([
  ["YAML", "night.yaml", NIGHT, [10, 13, 15]],
  ["JSON", "night.json", NIGHT_JSON, [18, 24, 28]],
])("a %s manifest", (_, name, text, lines) => {
  test("multiplies its items by matrix and seeds, each with the line of its item", async () => {
    const items = await readItems(name, text);
    const count = (line: number | undefined) => items.filter((item) => item.line === line).length;
    // a heron names no style, and has a ratio of its own
    expect(lines.map(count)).toEqual([8, 2, 8]);
    expect(items.length).toBe(18);
    expect(items.every(({ submission: { collection, steps } }) => collection === "animals" && steps === 30)).toBe(true);
  });

  test("turns the last member of the matrix fastest, seeds faster still", async () => {
    const items = await readItems(name, text);
    const seen = items
      .slice(0, 8)
      .map(({ submission: { prompt, aspect_ratio, tags } }) => ({ prompt, aspect_ratio, tags }));
    const at = (style: string, aspect_ratio: string) => ({
      prompt: `a red fox, ${style}`,
      aspect_ratio,
      tags: [style],
    });
    const order = [at("oil painting", "16:9"), at("oil painting", "1:1"), at("woodcut", "16:9"), at("woodcut", "1:1")];
    expect(seen).toEqual(order.flatMap((one) => [one, one]));
    expect(new Set(items.map(({ submission }) => submission.request_id)).size).toBe(18);
  });
});

describe("a YAML manifest", () => {
  test("is YAML 1.2: 16:9 is a text, and so is no", async () => {
    const [item] = await readItems("n.yaml", "- prompt: x\n  aspect_ratio: 16:9\n  tags: [no, yes]\n");
    expect(item?.submission).toMatchObject({ aspect_ratio: "16:9", tags: ["no", "yes"] });
  });

  test("may be a bare list, whose texts are taken letter by letter", async () => {
    const items = await readItems("n.yaml", "- prompt: x {y}\n- |-\n  two\n  lines\n");
    expect(items.map(({ line, submission }) => [line, submission.prompt])).toEqual([
      [1, "x {y}"],
      [2, "two\nlines"],
    ]);
  });

  test("may have no items where defaults and matrix say it all", async () => {
    const items = await readItems("n.yaml", "matrix:\n  animal: [fox, heron]\ndefaults:\n  prompt: a {animal}\n");
    expect(items.map(({ submission }) => submission.prompt)).toEqual(["a fox", "a heron"]);
  });

  test("tells what is wrong with what its items share once, where it stands", async () => {
    const text = `defaults:
  steps: 99
  stepz: 3
matrix:
  aspect_ratio: ["1:1", "1:2"]
  guidance: [1, 2]
  style: []
seeds: 0
itmes: []
`;
    expect(await readLines("n.yaml", text)).toEqual([
      "9: itmes: unknown member, did you mean items?",
      "2: defaults.steps: wanted at most 50, got 99",
      "3: defaults.stepz: unknown field, did you mean steps?",
      "8: seeds: wanted at least 1, got 0",
      "7: matrix.style: wanted a list of at least one value",
      expect.stringMatching(/^5: matrix\.aspect_ratio\.1: wanted one of 21:9, .*, got "1:2"$/),
      "6: matrix.guidance: no field of a request, and no text names {guidance}",
    ]);
  });

  test("tells what is wrong with an item once, however often it is multiplied", async () => {
    const text = `matrix: { style: [a, b, c] }
items:
  - prompt: x {style}
    steps: 99
  - prompt: y {stile}
  - 7
  - prompt: z {style
`;
    expect(await readLines("n.yaml", text)).toEqual([
      "4: steps: wanted at most 50, got 99",
      "5: prompt: unknown variable {stile}, wanted one of {style}, did you mean {style}?",
      "6: (item): wanted an object of fields, or a prompt",
      '7: prompt: wanted {variable}, or "{{" for a brace, got a single "{"',
    ]);
  });

  test.each([
    ["a: [1\nb: 2\n", /line \d/],
    ["prompt: x\nprompt: y\n", /line 2: .*each name once/],
    ["- a\n---\n- b\n", /line \d/],
    [
      `a: &a [x, x, x, x, x, x, x, x, x]\n${"bcdefghi".replace(/./g, (name, index: number) => `${name}: &${name} [${`*${"abcdefgh"[index]},`.repeat(9)}]\n`)}`,
      /alias/i,
    ],
  ])("that is none cannot be read: %j", async (text, reason) => {
    await expect(read("n.yaml", text)).rejects.toMatchObject({
      code: "manifest_broken",
      message: expect.stringMatching(reason),
    });
  });

  test.each([["just a text"], ["7"], [""]])("that is neither a list nor an object has a fault: %j", async (text) => {
    expect(await readLines("n.yaml", text)).toEqual(["1: (document): wanted a list of items, or an object with items"]);
  });
});

describe("a JSON manifest", () => {
  test("knows the lines of items whatever stands in their texts", async () => {
    const text =
      '[\n  {"prompt": "a [\\"x\\"], {b}: \\\\"},\n  {"prompt":\n"c", "metadata": {"a": [1, {"b": "}"}]}}, "d"\n]';
    const items = await readItems("n.json", text);
    expect(items.map(({ line, submission }) => [line, submission.prompt])).toEqual([
      [2, 'a ["x"], {b}: \\'],
      [3, "c"],
      [4, "d"],
    ]);
  });

  test("that is none cannot be read, and says where", async () => {
    await expect(read("n.json", '[\n{"prompt":"x"},\n{"prompt" "y"}\n]')).rejects.toMatchObject({
      code: "manifest_broken",
      message: expect.stringMatching(/line 3/),
    });
  });
});
