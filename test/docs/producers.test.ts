// The examples for producers hold jobs that the worker takes. The clients of other languages cannot run here, so their
// literals are read as what they are in JSON.
import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { parseSubmission } from "../../src/domain/request/submission.ts";

const page = await readFile("docs/producers.md", "utf8");

function blockOf(language: string): string {
  const block = page.split(`\`\`\`${language}\n`)[1]?.split("\n```")[0];
  if (block === undefined) throw new Error(`no example in ${language}`);
  return block;
}

function find(language: string, pattern: RegExp): string {
  const text = pattern.exec(blockOf(language))?.[1];
  if (text === undefined) throw new Error(`no job in the example in ${language}`);
  return text;
}

const FOX = { request_id: "fox-1", prompt: "a red fox in the snow", seed: 42 };

test("the job of the table of fields is a whole one", () => {
  expect(parseSubmission(JSON.parse(blockOf("json")))).toMatchObject({ ...FOX, n: 2, metadata: { order: 7 } });
});

test.each([
  ["sh", /-d '(.*)'/, (text: string) => text],
  ["python", /^ {8}(\{"request_id".*\}),$/m, (text: string) => text],
  ["php", /^ {4}\[('request_id'.*)\],$/m, (text: string) => `{${text.replaceAll("'", '"').replaceAll("=>", ":")}}`],
  ["elixir", /%(\{request_id.*\}),$/m, (text: string) => text.replaceAll(/(\w+): /g, '"$1": ')],
])("the job in the example in %s is taken", (language, pattern, toJson) => {
  expect(parseSubmission(JSON.parse(toJson(find(language, pattern))))).toMatchObject(FOX);
});

test("the request in the example in TypeScript is taken", () => {
  const literal = find("ts", /enqueue\((\{.*\})\)/).replaceAll(/(\w+): /g, '"$1": ');
  expect(parseSubmission(JSON.parse(literal))).toMatchObject({ prompt: FOX.prompt, n: 2, seed: 42 });
});

test.each(["python", "php", "elixir"])("the example in %s names the prefix and the job id", (language) => {
  expect(blockOf(language)).toContain("{asset-archiver}");
  expect(blockOf(language)).toContain("req-fox-1");
});
