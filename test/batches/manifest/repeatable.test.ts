import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { REQUEST_ID_PATTERN } from "../../../src/domain/request/request-id.ts";
import { read, readItems, readLines } from "./support.ts";

const item = fc.record(
  {
    prompt: fc.stringMatching(/^[a-zé狐 ,"]{1,8}x$/),
    steps: fc.integer({ min: 1, max: 50 }),
    seeds: fc.integer({ min: 1, max: 4 }),
    tags: fc.array(fc.constantFrom("a", "b"), { maxLength: 2 }),
    metadata: fc.dictionary(fc.constantFrom("k", "l"), fc.integer()),
  },
  { requiredKeys: ["prompt"] },
);

const toText = (items: readonly object[]) => items.map((one) => JSON.stringify(one)).join("\n");

async function submissionsOf(items: readonly object[]): Promise<string[]> {
  const entries = await readItems("n.jsonl", toText(items));
  return entries
    .filter(({ duplicateOf }) => duplicateOf === undefined)
    .map(({ submission }) => JSON.stringify(submission));
}

describe("a manifest that is read again", () => {
  test("asks for the very same requests in whatever order its items stand, and whatever was added", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(item, { minLength: 1, maxLength: 6 }),
        fc.uniqueArray(item, { maxLength: 3 }),
        async (items, more) => {
          const first = await submissionsOf(items);
          const again = await submissionsOf([...more, ...items.toReversed()]);
          expect(again).toEqual(expect.arrayContaining(first));
        },
      ),
      { numRuns: 50 },
    );
  });

  test("asks for the same whatever format it is in", async () => {
    const jsonl = await readItems("n.jsonl", '{"prompt":"a fox","steps":30,"tags":["a","b"],"metadata":{"k":"v"}}');
    const csv = await readItems("n.csv", "prompt,steps,tags,metadata.k\na fox,30,a|b,v\n");
    const yaml = await readItems("n.yaml", "- {prompt: a fox, steps: 30, tags: [a, b], metadata: {k: v}}\n");
    const json = await readItems(
      "n.json",
      '{"items":[{"metadata":{"k":"v"},"prompt":"a fox","tags":["a","b"],"steps":30}]}',
    );
    for (const other of [csv, yaml, json]) expect(other[0]?.submission).toEqual(jsonl[0]?.submission);
  });

  test("has had these seeds and ids ever since: a change of them would buy every picture again", async () => {
    const items = await readItems("n.jsonl", '{"prompt":"a red fox","seeds":3}\n{"prompt":"a red fox","seed":42}\n');
    expect(items.map(({ submission: { seed, request_id } }) => ({ seed, request_id }))).toMatchInlineSnapshot(`
      [
        {
          "request_id": "m-a85de6dce330502bf0d70bb2646a06bd",
          "seed": 1149176558,
        },
        {
          "request_id": "m-410c518ad13cead97751b73626a8906c",
          "seed": 966622321,
        },
        {
          "request_id": "m-712aa78494b13f412a3306be424501a3",
          "seed": 1474429638,
        },
        {
          "request_id": "m-452ede7a2046eb45d0e9bab1eefddd65",
          "seed": 42,
        },
      ]
    `);
  });
});

describe("seeds", () => {
  test("of one recipe are different, explicit and below 2^31, and more of them only add to fewer", async () => {
    const seedsOf = async (seeds: object) =>
      (await readItems("n.jsonl", toText([{ prompt: "a fox", ...seeds }]))).map(({ submission }) => submission.seed);
    const thousand = await seedsOf({ seeds: 1000 });
    expect(new Set(thousand).size).toBe(1000);
    expect(thousand.every((seed) => Number.isInteger(seed) && seed >= 0 && seed < 2 ** 31)).toBe(true);
    expect(await seedsOf({ seeds: 5 })).toEqual(thousand.slice(0, 5));
    expect(await seedsOf({})).toEqual(thousand.slice(0, 1));
  });

  test("don't hang on what does not decide the pixels: the picture is shared, the request is not", async () => {
    const [one, other] = await readItems(
      "n.jsonl",
      '{"prompt":"a fox"}\n{"prompt":"a fox","collection":"b","tags":["x"]}',
    );
    expect(other?.submission.seed).toBe(one?.submission.seed);
    expect(other?.submission.request_id).not.toBe(one?.submission.request_id);
  });

  test("of -1 stay open, under an id that is the same in every run", async () => {
    const text = '{"prompt":"a fox","seed":-1}';
    const [one] = await readItems("n.jsonl", text);
    const [again] = await readItems("n.jsonl", text);
    expect(one?.submission.seed).toBe(-1);
    expect(again?.submission).toEqual(one?.submission);
  });
});

describe("request ids", () => {
  test("made of content are ids", async () => {
    const entries = await read("n.jsonl", '{"prompt":"a fox"}');
    expect(entries).toMatchObject([{ submission: { request_id: expect.stringMatching(REQUEST_ID_PATTERN) } }]);
    expect(entries).toMatchObject([{ submission: { request_id: expect.stringMatching(/^m-[0-9a-f]{32}$/) } }]);
  });

  test("of one's own are numbered by seeds, and told apart by the matrix", async () => {
    const text = "matrix: { a: [x, y] }\nitems:\n  - { prompt: '{a}', request_id: 'fox-{a}', seeds: 2 }\n";
    const items = await readItems("n.yaml", text);
    expect(items.map(({ submission }) => submission.request_id)).toEqual(["fox-x-1", "fox-x-2", "fox-y-1", "fox-y-2"]);
  });

  test("of one's own that the matrix does not tell apart are at fault, and so are those that grow too long", async () => {
    const text = "matrix: { a: [x, y, z] }\nitems:\n  - { prompt: '{a}', request_id: fox }\n";
    expect(await readLines("n.yaml", text)).toEqual([
      "3: ok",
      '3: request_id: wanted an id for each request of this item, such as "fox-{variable}", got "fox" again with other content',
    ]);
    const long = toText([{ prompt: "x", request_id: "i".repeat(100), seeds: 2 }]);
    expect(await readLines("n.jsonl", long)).toContain(
      `1: request_id: wanted at most 100 characters, got "${"i".repeat(100)}-1"`,
    );
  });
});
