import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { SEEDS_LIMIT } from "../../src/batches/manifest/check.ts";
import { FIELD_NAMES } from "../../src/batches/manifest/expand.ts";
import { JSON_MAX_LENGTH } from "../../src/batches/manifest/json.ts";
import { YAML_MAX_LENGTH } from "../../src/batches/manifest/yaml.ts";
import { readItems } from "../batches/manifest/support.ts";

const page = await readFile(new URL("../../docs/manifests.md", import.meta.url), "utf8");

const blocks = [...page.matchAll(/^```(jsonl|csv|yaml|json)\n([\s\S]*?)^```$/gm)].map(([, format = "", text = ""]) => ({
  format,
  text,
}));

describe("docs/manifests.md", () => {
  test("has examples that are manifests, of so many requests", async () => {
    const counts: Record<string, number[]> = {};
    for (const { format, text } of blocks) {
      const items = await readItems(`example.${format}`, text);
      counts[format] = [...(counts[format] ?? []), items.length];
    }
    expect(counts).toEqual({ jsonl: [5], csv: [2], yaml: [2, 16 + 8 + 1 + 8], json: [3] });
  });

  test("counts the requests of each item as they are", async () => {
    const { text = "" } = blocks.find((block) => block.text.includes("matrix:")) ?? {};
    const items = await readItems("example.yaml", text);
    const told = text.split("\n").flatMap((line, index) => {
      const count = /#.*\b(\d+)(?: requests)?$/.exec(line)?.[1];
      return line.includes("prompt:") ? [[index + 1, Number(count)]] : [];
    });
    expect(told.length).toBe(4);
    for (const [line, count] of told) expect(items.filter((item) => item.line === line).length).toBe(count);
  });

  test("names every field, and no other", () => {
    const table = page.slice(page.indexOf("| field |"), page.indexOf("## JSON Lines"));
    const named = [...table.matchAll(/^\| `(\w+)`/gm)].map(([, name]) => name);
    expect(new Set(named)).toEqual(FIELD_NAMES);
  });

  test("tells the limits as they are", () => {
    expect(page).toContain(`1 to ${SEEDS_LIMIT}`);
    expect(page).toContain(
      `at most ${YAML_MAX_LENGTH / 1024 ** 2} Mi characters, a JSON document ${JSON_MAX_LENGTH / 1024 ** 2} Mi`,
    );
  });
});
