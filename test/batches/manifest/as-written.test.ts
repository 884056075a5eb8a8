// A manifest says what its author wrote: nothing is rounded, shortened or dropped without a word, and each fault has the line of its field.
import { describe, expect, test } from "vitest";
import { read, readItems, readLines } from "./support.ts";

const promptsOf = async (name: string, text: string) =>
  (await readItems(name, text)).map(({ submission }) => submission.prompt);

describe("a variable in a text keeps its source text", () => {
  test.each([
    [
      "YAML",
      "n.yaml",
      "matrix:\n  v: [1.10, 007, 0x1F, True, 1e3, +1, '2.0', .5]\nitems: ['a {v}']\n",
      "1.10 007 0x1F True 1e3 +1 2.0 .5",
    ],
    ["YAML, of an item", "n.yaml", "- prompt: a {v}\n  matrix: {v: [1.10, 007]}\n", "1.10 007"],
    [
      "YAML, by an alias",
      "n.yaml",
      "matrix:\n  w: &w [1.10, 2.0]\n  v: *w\nitems: ['a {v}, {w}']\n",
      "1.10, 1.10 2.0, 1.10 1.10, 2.0 2.0, 2.0",
    ],
    ["JSON", "n.json", '{"matrix":{"v":[1.10,1E3,-0,2.50,true]},"items":["a {v}"]}', "1.10 1E3 -0 2.50 true"],
    ["JSON, of an item", "n.json", '[{"prompt":"a {v}","matrix":{"v":[1.10,2.0]}}]', "1.10 2.0"],
    ["JSON Lines", "n.jsonl", '{"prompt":"a {v}","matrix":{"v":[1.10,2.0]}}\n', "1.10 2.0"],
    [
      "an item's own value",
      "n.yaml",
      "matrix:\n  steps: [10, 20]\nitems:\n  - prompt: a {steps}\n    steps: 0x1F\n",
      "0x1F",
    ],
  ])("%s", async (_, name, text, shown) => {
    expect((await promptsOf(name, text)).map((prompt) => prompt.replace(/^a /, "")).join(" ")).toBe(shown);
  });

  test("and its field has the number", async () => {
    const items = await readItems("n.yaml", "matrix:\n  guidance_scale: [1.10]\nitems: ['a {guidance_scale}']\n");
    expect(items[0]?.submission).toMatchObject({ prompt: "a 1.10", guidance_scale: 1.1 });
  });
});

describe("what cannot be kept exactly is a fault that says so", () => {
  test.each([
    [
      "YAML",
      "n.yaml",
      "- prompt: a\n  metadata:\n    id: 1234567890123456789\n",
      "3: metadata.id: ",
      "got 1234567890123456789",
    ],
    ["YAML, zeros", "n.yaml", "- prompt: a\n  metadata:\n    zip: 00123\n", "3: metadata.zip: ", "got 00123"],
    [
      "YAML, __proto__",
      "n.yaml",
      "- prompt: a\n  metadata:\n    __proto__: {a: 1}\n",
      "3: metadata.__proto__: ",
      "another name",
    ],
    ["YAML, no number", "n.yaml", "- prompt: a\n  metadata: {x: .nan}\n", "2: metadata.x: ", "got .nan"],
    [
      "YAML, defaults",
      "n.yaml",
      "defaults:\n  metadata:\n    id: 9007199254740993\nitems: [a]\n",
      "3: defaults.metadata.id: ",
      "got 9007199254740993",
    ],
    [
      "JSON",
      "n.json",
      '{"items":[\n{"prompt":"a",\n"metadata":{\n"id":1234567890123456789}}]}',
      "4: metadata.id: ",
      "got 1234567890123456789",
    ],
    ["JSON, twice", "n.json", '[{"prompt":"a",\n"n":1,\n"n":2}]', "2: n: ", "each name once"],
    [
      "JSON, defaults",
      "n.json",
      '{"defaults":\n{"seed":1234567890123456789},"items":["a"]}',
      "2: defaults.seed: ",
      "got 1234567890123456789",
    ],
    ["JSON Lines", "n.jsonl", '{"prompt":"a","seed":1234567890123456789}\n', "1: seed: ", "got 1234567890123456789"],
    [
      "JSON Lines, __proto__",
      "n.jsonl",
      '{"prompt":"a","metadata":{"__proto__":1}}\n',
      "1: metadata.__proto__: ",
      "another name",
    ],
  ])("%s", async (_, name, text, place, words) => {
    const lines = await readLines(name, text);
    expect(lines).toHaveLength(1);
    expect(lines[0]?.startsWith(place)).toBe(true);
    expect(lines[0]).toContain(words);
  });

  test("together with the other faults of its item", async () => {
    const lines = await readLines("n.jsonl", '{"prompt":"a","steps":99,"metadata":{"id":1234567890123456789}}\n');
    expect(lines.map((line) => line.split(":")[1]?.trim()).toSorted()).toEqual(["metadata.id", "steps"]);
  });
});

test.each([
  ["YAML", "n.yaml", "- prompt: a\n  n: 2\n  steps: 99\n- prompt: b\n  tags:\n    - ok\n    - 7\n"],
  ["JSON", "n.json", '[{"prompt":"a",\n"n":2,\n"steps":99},\n{"prompt":"b","tags":\n[\n"ok",7]}]\n'],
])("faults in %s name the field's own line", async (_, name, text) => {
  const lines = await readLines(name, text);
  expect(lines).toEqual([expect.stringMatching(/^3: steps: /), expect.stringMatching(/^[67]: tags\.1: /)]);
});

describe("YAML", () => {
  test("has merge keys", async () => {
    const text = "- &base\n  prompt: a\n  steps: 30\n- <<: *base\n  prompt: b\n- <<: [*base, {n: 2}]\n  prompt: c\n";
    const items = await readItems("n.yaml", text);
    expect(items.map(({ submission: { prompt, steps, n } }) => [prompt, steps, n])).toEqual([
      ["a", 30, 1],
      ["b", 30, 1],
      ["c", 30, 2],
    ]);
  });

  test.each([
    ["two documents", "- a\n---\n- b\n", /line 2: wanted one document/],
    ["a name twice", "- prompt: a\n  prompt: b\n", /line 2: wanted each name once/],
    ["an unknown alias", "- *x\n", /line 1: wanted an anchor &x/],
    ["an alias to itself", "- prompt: a\n  metadata: &m\n    x: *m\n", /line 3: the alias \*m stands within/],
    ["an alias that multiplies itself", "- &m [*m, *m, *m]\n", /line 1: the alias \*m stands within/],
    ["an unknown tag", "- !foo x\n", /line 1: unknown tag/],
    ["a list as a name", "- ? [a]\n  : 1\n", /wanted a text as a name/],
    [
      "few aliases for much",
      `a: &a [${"x,".repeat(50)}]\nb: &b [${"*a,".repeat(50)}]\nc: [${"*b,".repeat(50)}]\n`,
      /aliases stand for more/,
    ],
  ])("says in our own words what is wrong: %s", async (_, text, message) => {
    const error = await read("n.yaml", text).then(
      () => undefined,
      (thrown: Error) => thrown,
    );
    expect(error).toMatchObject({ code: "manifest_broken", message: expect.stringMatching(message) });
    expect(error?.message).not.toMatch(/parseAllDocuments|uniqueKeys|Unresolved|resource exhaustion/);
  });
});

const nested = (levels: number) => "[".repeat(levels) + "]".repeat(levels);

describe.each([100, 3_300, 4_400, 300_000])("%i levels", (levels) => {
  test.each([
    ["JSON Lines", "n.jsonl", `{"prompt":"a","metadata":${nested(levels)}}\n`],
    ["JSON Lines with a matrix", "n.jsonl", `{"prompt":"{v}","matrix":{"v":[1]},"metadata":${nested(levels)}}\n`],
    ["JSON", "n.json", `{"items":[{"prompt":"a","metadata":${nested(levels)}}]}`],
    ["JSON, defaults", "n.json", `{"defaults":{"metadata":${nested(levels)}},"items":["a"]}`],
    ["JSON, matrix", "n.json", `{"matrix":{"v":[${nested(levels)}]},"items":["a {v}"]}`],
    ["CSV", "n.csv", `prompt,metadata\na,${nested(levels)}\n`],
  ])("are a fault in %s", async (_, name, text) => {
    const lines = await readLines(name, text);
    expect(lines).toEqual([expect.stringContaining("wanted at most 64 levels of arrays and objects")]);
  });

  test("cannot be read in YAML", async () => {
    await expect(read("n.yaml", `- prompt: a\n  metadata: ${nested(levels)}\n`)).rejects.toMatchObject({
      code: "manifest_broken",
      message: expect.stringContaining("levels"),
    });
  }, 60_000);
});
