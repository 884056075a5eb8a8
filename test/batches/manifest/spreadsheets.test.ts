// What spreadsheets write, and what is given in place of a manifest: the habits are understood, the rest is named as what it is.
import { describe, expect, test } from "vitest";
import { read, readItems, readLines } from "./support.ts";

const UTF16 = (text: string) => Buffer.from(`\ufeff${text}`, "utf16le");

describe("a spreadsheet's CSV", () => {
  test.each([
    ["sep=;", "sep=;\nprompt;seed\nfox;1\nowl;2\n", [3, 4]],
    ["sep=; in quotes, \\r\\n and a byte order mark", '\ufeff"sep=;"\r\nprompt;seed\r\nfox;1\r\nowl;2\r\n', [3, 4]],
    ["sep=;, and delimiters to the end of its row", "sep=;;;\nprompt;seed\nfox;1\nowl;2\n", [3, 4]],
    ["sep= with a tab", "sep=\t\nprompt\tseed\nfox\t1\nowl\t2\n", [3, 4]],
    ["rows of delimiters alone", "prompt;seed;;\n;;;\nfox;1;;\n;;;\n ; ;;\nowl;2;;\n;;;\n", [3, 6]],
    ["rows of delimiters before the header", ",,\nprompt,seed,\nfox,1,\nowl,2,\n", [3, 4]],
    ["UTF-16", UTF16("prompt\tseed\r\nfox\t1\r\nowl\t2\r\n"), [2, 3]],
  ])("is understood: %s", async (_, text, lines) => {
    const entries = await read("n.csv", text);
    expect(entries).toMatchObject([
      { line: lines[0], submission: { prompt: "fox", seed: 1 } },
      { line: lines[1], submission: { prompt: "owl", seed: 2 } },
    ]);
  });

  test("may have decimal commas, times for ratios, and TRUE", async () => {
    const text = "prompt;guidance_scale;aspect_ratio;reuse\na;2,5;16:09:00;TRUE\nb;3,25;03:04;FALSE\n";
    const items = await readItems("n.csv", text);
    expect(
      items.map(({ submission: { guidance_scale, aspect_ratio, reuse } }) => [guidance_scale, aspect_ratio, reuse]),
    ).toEqual([
      [2.5, "16:9", true],
      [3.25, "3:4", false],
    ]);
  });

  test.each([
    ["seed", "1.23457E+12", /^2: seed: wanted all digits, got 1\.23457E\+12: a spreadsheet shortened it/],
    ["seed", '"1,23457E+12"', /^2: seed: wanted all digits/],
    ["seed", "1E+3", /^2: seed: wanted all digits/],
    ["seed", "1234567890123456789", /^2: seed: wanted a number, got "1234567890123456789"/],
    ["seed", "0x10", /^2: seed: wanted a number, got "0x10"/],
    ["metadata", '"{""id"":1234567890123456789}"', /^2: metadata\.id: .*got 1234567890123456789/],
    ["metadata", '"{""__proto__"":1}"', /^2: metadata\.__proto__: /],
    ["metadata.__proto__", "x", /^1: metadata\.__proto__: /],
    ["reuse", "constructor", /^2: reuse: wanted a boolean, got "constructor"/],
  ])("says what was lost: %s %s", async (column, cell, message) => {
    const lines = await readLines("n.csv", `prompt,${column}\na,${cell}\n`);
    expect(lines[0]).toMatch(message);
  });

  test("names the line of the cell itself", async () => {
    const lines = await readLines("n.csv", 'prompt,steps,n\n"a\nfox",99,9\nowl,99,1\n');
    expect(lines).toEqual([
      expect.stringMatching(/^3: n: /),
      expect.stringMatching(/^3: steps: /),
      expect.stringMatching(/^4: steps: /),
    ]);
  });

  test("says in our own words what is wrong with its quotes", async () => {
    const error = await read("n.csv", 'prompt\n"a" b\n').catch((thrown: Error) => thrown);
    expect(error).toMatchObject({
      code: "manifest_broken",
      message: expect.stringMatching(/line 2: a cell goes on behind/),
    });
    expect((error as Error).message).not.toMatch(/relax|trimable|activated/);
  });
});

test("a .txt is a prompt a line, letter by letter", async () => {
  const items = await readItems("n.txt", "a fox, {style}\r\n\r\n  # an owl  \nprompt: x\n");
  expect(items.map(({ line, submission }) => [line, submission.prompt])).toEqual([
    [1, "a fox, {style}"],
    [3, "# an owl"],
    [4, "prompt: x"],
  ]);
});

test.each([
  ["n.jsonl", ""],
  ["n.jsonl", "\n \n"],
  ["n.csv", ""],
  ["n.csv", "prompt,seed\n"],
  ["n.csv", "prompt;seed\n;;\n"],
  ["n.txt", "\n\n"],
  ["n.json", "[]"],
  ["n.json", '{"items":[]}'],
  ["n.yaml", "items: []\n"],
  ["n.yaml", "[]\n"],
  ["n.yaml", "# nothing\n"],
])("an empty manifest is a fault: %s %j", async (name, text) => {
  expect(await readLines(name, text)).toEqual([expect.stringMatching(/wanted (?:at least one item|a list of items)/)]);
});

test.each([
  ["n.xlsx", "PK\x03\x04", /Excel workbook \(xlsx\): save it as CSV/],
  ["standard input", "PK\x03\x04........[Content_Types].xml", /Excel workbook \(xlsx\)/],
  ["n.csv", "PK\x03\x04........xl/workbook.xml", /Excel workbook \(xlsx\)/],
  ["n.ods", "PK\x03\x04", /OpenDocument spreadsheet/],
  ["n", "PK\x03\x04....mimetypeapplication/vnd.oasis.opendocument.spreadsheet", /OpenDocument spreadsheet/],
  ["n.numbers", "PK\x03\x04", /Numbers spreadsheet/],
  ["n.xls", "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", /Excel workbook \(xls\): save it as CSV/],
  ["n.xls", "<html><table>", /XML or HTML: save it as CSV/],
  ["n.zip", "PK\x03\x04", /zip archive/],
  ["n.jsonl.gz", "\x1f\x8b\x08", /gzip: unpack it/],
  ["n.pdf", "%PDF-1.7", /PDF/],
  ["n.png", "\x89PNG\r\n", /image/],
])("%s (%j) is named as what it is, with what to do", async (name, bytes, message) => {
  await expect(read(name, Buffer.from(bytes, "latin1"))).rejects.toMatchObject({
    code: "manifest_broken",
    message: expect.stringMatching(message),
  });
});

test("Latin-1 is refused, with the line and what to do", async () => {
  await expect(read("n.csv", Buffer.from("prompt\ncaf\xe9\n", "latin1"))).rejects.toMatchObject({
    message: expect.stringMatching(/wanted UTF-8, .*save it as UTF-8/),
  });
});
