import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { checkLanguage, readTexts } from "../../scripts/check-language.ts";

function check(text: string): string[] {
  return checkLanguage(new Map([["src/a.ts", text]]));
}

test.each([
  ["// the webhook is told of it", "told"],
  ["// whoever opens it closes it", "whoever"],
  ["// it would else lie idle", "would else"],
  ["// where there are none", "are none"],
  ["// a body that is no JSON", "is no JSON"],
  ["// calls in flight are let finish", "are let finish"],
  ["// at most so many at a time", "so many at"],
  ["// and this one, too", ", too"],
  ["// what a lost call Makes Good", "Makes Good"],
])("%s is reported", (line, word) => {
  expect(check(line)).toEqual([expect.stringContaining(`src/a.ts:1: "${word}", write: `)]);
});

test.each([
  ["a longer word", "// untold, recommend, toolbar"],
  ["a count without a limit", "// so many that nobody counts them"],
  ["too as an adverb of degree", "// too many, too often"],
  ["a line that says why it may", "const told = 1; // language: allowed, a column that a migration names"],
])("%s passes", (_, line) => {
  expect(check(line)).toEqual([]);
});

test("every line and every word is reported, with its place", () => {
  const hits = check("// fine\n// told anew\n// fine\n// mended");
  expect(hits.map((hit) => hit.split(",")[0])).toEqual([
    'src/a.ts:2: "told"',
    'src/a.ts:2: "anew"',
    'src/a.ts:4: "mended"',
  ]);
});

test("a mark without a reason allows nothing", () => {
  expect(check("const told = 1; // language: allowed")).toHaveLength(1);
});

test("texts are read from the places named, or from everywhere; folders that are not ours are left out", async () => {
  const root = await mkdtemp(join(tmpdir(), "check-language-"));
  onTestFinished(() => rm(root, { recursive: true }));
  for (const path of ["src/a.ts", "src/ab.ts", "README.md", "a.png", "node_modules/b/c.ts", "migrations/d.md"]) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), path);
  }
  expect([...(await readTexts(root, []))].toSorted()).toEqual([
    ["README.md", "README.md"],
    ["src/a.ts", "src/a.ts"],
    ["src/ab.ts", "src/ab.ts"],
  ]);
  expect([...(await readTexts(root, ["src/a.ts", "README"])).keys()]).toEqual(["src/a.ts"]);
});
