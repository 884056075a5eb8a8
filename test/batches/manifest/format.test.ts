import { expect, test } from "vitest";
import { detectFormat } from "../../../src/batches/manifest/format.ts";
import { readItems } from "./support.ts";

test.each([
  ["a.jsonl", undefined, "anything", "jsonl"],
  ["a.NDJSON", undefined, "anything", "jsonl"],
  ["a.csv", undefined, '{"prompt":"x"}', "csv"],
  ["a.tsv", undefined, "", "csv"],
  ["a.yml", undefined, "", "yaml"],
  ["a.yaml", "text/plain", "", "yaml"],
  ["https://h.test/a.csv?sig=x.json", undefined, "", "csv"],
  ["https://h.test/export", "text/csv; charset=utf-8", "", "csv"],
  ["https://h.test/export", "application/x-ndjson", "", "jsonl"],
  ["https://h.test/export", "application/json", '{"items":[]}', "json"],
  // JSON Lines under the name of JSON
  ["a.json", undefined, '{"prompt":"x"}\n{"prompt":"y"}\n', "jsonl"],
  ["a.json", undefined, '{"prompt":"x"}', "jsonl"],
  ["a.json", undefined, '{"items":[]}\n', "json"],
  ["a.json", undefined, '{\n  "items": []\n}', "json"],
  ["a.json", undefined, "[]", "json"],
  // by its content alone
  ["-", undefined, '{"prompt":"x"}\n', "jsonl"],
  ["-", undefined, '\n{"prompt":"x"\n{"prompt":"y"}\n', "jsonl"],
  ["-", undefined, `{"prompt":"${"x".repeat(5_000)}`, "jsonl"],
  ["-", undefined, '{\n"items":[]}', "json"],
  ["-", undefined, ' [{"prompt":"x"}]', "json"],
  ["-", undefined, "# night\nitems:\n  - x\n", "yaml"],
  ["-", undefined, "---\n- x\n", "yaml"],
  ["-", undefined, "- prompt: x\n", "yaml"],
  ["-", undefined, "defaults:\n", "yaml"],
  ["-", undefined, "prompt,steps\nx,3\n", "csv"],
  ["-", undefined, "prompt\nx\n", "csv"],
] as const)("%s sent as %s, beginning with %j, is %s", (name, mediaType, head, format) => {
  expect(detectFormat({ name, mediaType, head })).toBe(format);
});

test("a format that is told counts more than the name", async () => {
  const items = await readItems("night.txt", "prompt\na fox\n", { format: "csv" });
  expect(items.map(({ submission }) => submission.prompt)).toEqual(["a fox"]);
});
