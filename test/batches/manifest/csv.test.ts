import { describe, expect, test } from "vitest";
import { read, readItems, readLines } from "./support.ts";

describe("a CSV manifest", () => {
  test("has prompts with commas, quotes and line breaks, and items know the line they begin on", async () => {
    const text =
      'prompt,steps\r\n"a ""red"" fox,\r\nrunning\r\nin snow",30\r\na heron,20\r\n\r\n"a\nb",\r\nlast,50\r\n';
    const items = await readItems("night.csv", text);
    expect(items.map(({ line, submission: { prompt, steps } }) => [line, prompt, steps])).toEqual([
      [2, 'a "red" fox,\r\nrunning\r\nin snow', 30],
      [5, "a heron", 20],
      [7, "a\nb", 20],
      [9, "last", 50],
    ]);
  });

  test("reads each cell as its field wants it; an empty one is not given", async () => {
    const text = [
      "\ufeffprompt,n,seed,guidance_scale,reuse,tags,metadata,metadata.client,metadata.job,negative_prompt,collection",
      'a,2,7,3.5,no,fox|red;snow,"{""x"":1}",acme,007,"blurry, text", night ',
      'b,,,,,"[""with, comma""]",,,,,',
    ].join("\n");
    const [first, second] = await readItems("night.csv", text);
    expect(first?.submission).toMatchObject({
      n: 2,
      seed: 7,
      guidance_scale: 3.5,
      reuse: false,
      tags: ["fox", "red", "snow"],
      metadata: { x: 1, client: "acme", job: "007" },
      negative_prompt: "blurry, text",
      collection: "night",
    });
    expect(second?.submission).toMatchObject({ n: 1, reuse: true, tags: ["with, comma"], metadata: {} });
  });

  test.each([
    [";", "prompt;steps;tags\nx;30;a|b\n"],
    ["a tab", "prompt\tsteps\ttags\nx\t30\ta|b\n"],
  ])("may have %s between its cells", async (_, text) => {
    const [item] = await readItems("night.csv", text);
    expect(item?.submission).toMatchObject({ prompt: "x", steps: 30, tags: ["a", "b"] });
  });

  test("may have a column of seeds", async () => {
    const items = await readItems("night.csv", "prompt,seeds\nx,3\n");
    expect(new Set(items.map(({ submission }) => submission.seed)).size).toBe(3);
  });

  test("shows what was typed where it does not fit", async () => {
    const text =
      'prompt,steps,metadata,tags,reuse\nx,many,,,\nx,,nope,,\nx,,,[broken,\nx,,,,perhaps\n,5,,,\nx,1,,,,more\n"x, y",60,,,\n';
    expect(await readLines("night.csv", text)).toEqual([
      '2: steps: wanted a number, got "many"',
      "3: metadata: wanted JSON",
      '4: tags: wanted a list such as ["red","fox"], or red|fox',
      '5: reuse: wanted a boolean, got "perhaps"',
      "6: prompt: wanted a string, got nothing",
      "7: (row): wanted 5 cells, got 6; a cell with a comma in it needs quotes",
      "8: steps: wanted at most 50, got 60",
    ]);
  });

  test("with a header that is wrong has no items: what a column was meant to say must not be left out unseen", async () => {
    expect(await readLines("night.csv", "prompt,stepz,note,stepz\na,9,,\nb,9,,9,9\n")).toEqual([
      "1: stepz: unknown column, did you mean steps?",
      "1: note: unknown column; for a note of your own: metadata.note",
      "1: stepz: wanted each column once, got it twice",
      "3: (row): wanted 4 cells, got 5; a cell with a comma in it needs quotes",
    ]);
    expect(await readLines("night.csv", "text,steps\nx,3\n")).toEqual([
      "1: text: unknown column; for a note of your own: metadata.text",
      '1: (header): wanted a column "prompt"',
    ]);
  });

  test("may have columns without a name as long as they are empty, as spreadsheets leave them", async () => {
    expect(await readLines("night.csv", "prompt,steps,,\na,9,,\nb,9,,x\n")).toEqual([
      "2: ok",
      '3: (row): wanted a name for column 4, which has "x"',
    ]);
  });

  test("whose quotes don't match cannot be read: the rest would be taken for one cell", async () => {
    await expect(read("night.csv", 'prompt\n"a\nb\nc\n')).rejects.toMatchObject({
      code: "manifest_broken",
      message: expect.stringMatching(/Cannot read manifest "night.csv": .*line/),
    });
  });
});
