import { describe, expect, test } from "vitest";
import { LINE_MAX_LENGTH } from "../../../src/batches/manifest/text.ts";
import { read, readItems, readLines } from "./support.ts";

describe("a JSON Lines manifest", () => {
  test("gives each line's request with its defaults written out, and the line", async () => {
    const items = await readItems(
      "night.jsonl",
      '{"prompt":"a red fox","seed":42,"tags":["fox"]}\n\n{"prompt":"雪中的狐狸","aspect_ratio":"16:9"}\n',
    );
    expect(items.map(({ line }) => line)).toEqual([1, 3]);
    expect(items[0]?.submission).toMatchObject({ prompt: "a red fox", seed: 42, tags: ["fox"], n: 1, steps: 20 });
    expect(items[1]?.submission).toMatchObject({ prompt: "雪中的狐狸", aspect_ratio: "16:9", collection: "default" });
  });

  test.each([
    ["a byte order mark", '\ufeff{"prompt":"x"}\n{"prompt":"y"}'],
    ["line ends of another system", '{"prompt":"x"}\r\n{"prompt":"y"}\r\n'],
    ["no line end after the last", '{"prompt":"x"}\n{"prompt":"y"}'],
    ["blank lines at the end", '{"prompt":"x"}\n{"prompt":"y"}\n\n  \n'],
  ])("may have %s", async (_, text) => {
    const items = await readItems("night.jsonl", text);
    expect(items.map(({ submission }) => submission.prompt)).toEqual(["x", "y"]);
  });

  test("takes texts letter by letter: a brace is a brace", async () => {
    const [item] = await readItems("night.jsonl", '{"prompt":"{style} and {{x}}"}');
    expect(item?.submission.prompt).toBe("{style} and {{x}}");
  });

  test("tells every fault with its line and goes on", async () => {
    const text = [
      '{"prompt":"x","steps":99,"promt":"y"}',
      "nope",
      "[1]",
      '{"prompt":"fine"}',
      '{"prompt":"","seeds":0}',
      '{"prompt":"x","seed":1,"seeds":2}',
      '{"prompt":"x","seed":null}',
    ].join("\n");
    const lines = await readLines("night.jsonl", text);
    expect(lines).toEqual([
      "1: steps: wanted at most 50, got 99",
      "1: promt: unknown field, did you mean prompt?",
      expect.stringMatching(/^2: \(line\): wanted a JSON object on one line: /),
      "3: (line): wanted a JSON object",
      "4: ok",
      "5: prompt: wanted some text, got an empty prompt",
      "5: seeds: wanted at least 1, got 0",
      "6: seeds: wanted either seed or seeds, not both",
      "7: seed: wanted a number, got null",
    ]);
  });

  test("passes over a line that is too long to be held, and finds its way again", async () => {
    const long = `{"prompt":"${"x".repeat(LINE_MAX_LENGTH)}"}`;
    const lines = await readLines("night.jsonl", `{"prompt":"x"}\n${long}\n{"prompt":"y"}\n`);
    expect(lines).toEqual(["1: ok", "2: (line): wanted at most 1048576 characters", "3: ok"]);
  }, 60_000);

  test("must be UTF-8, and says after which line it is not", async () => {
    const bytes = Buffer.concat([Buffer.from('{"prompt":"x"}\n{"prompt":"'), Buffer.from([0xe9]), Buffer.from('"}\n')]);
    await expect(read("night.jsonl", bytes)).rejects.toMatchObject({
      code: "manifest_broken",
      message: expect.stringMatching(/wanted UTF-8, .*got other bytes after line \d/),
    });
  });

  test("puts a collection and tags where an item names none", async () => {
    const text = '{"prompt":"x"}\n{"prompt":"y","collection":"own","tags":["a"]}\n';
    const items = await readItems("night.jsonl", text, { collection: "night", tags: ["b"] });
    expect(items.map(({ submission: { collection, tags } }) => ({ collection, tags }))).toEqual([
      { collection: "night", tags: ["b"] },
      { collection: "own", tags: ["a"] },
    ]);
  });

  test("counts the very same request again as a duplicate of its first line", async () => {
    const items = await readItems("night.jsonl", '{"prompt":"x"}\n{"prompt":"y"}\n{"steps":20,"prompt":"x"}\n');
    expect(items.map(({ duplicateOf }) => duplicateOf)).toEqual([undefined, undefined, 1]);
    expect(items[2]?.submission).toEqual(items[0]?.submission);
  });

  test("has no two requests under one id", async () => {
    const lines = await readLines("night.jsonl", '{"prompt":"x","request_id":"a"}\n{"prompt":"y","request_id":"a"}\n');
    expect(lines).toEqual([
      "1: ok",
      '2: request_id: wanted an id of its own, got "a", which line 1 has with other content',
    ]);
  });
});
