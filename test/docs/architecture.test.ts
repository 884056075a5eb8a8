// docs/architecture.md names files, functions and tests: all of them exist.
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";

const page = await readFile("docs/architecture.md", "utf8");
const quoted = [...page.matchAll(/`([^`\n]+)`/g)].map(([, text = ""]) => text);

test("every file it names exists, from the root of the checkout or of src", () => {
  const paths = quoted.filter((text) => /^[\w-]+(\/[\w.-]+)*\/([\w-]+\.(ts|md))?$/.test(text));
  expect(paths.length).toBeGreaterThan(40);
  expect(paths.filter((path) => !existsSync(path) && !existsSync(`src/${path}`))).toEqual([]);
});

test.each([
  ["charge", "src/catalog/calls/budget.ts"],
  ["reserveCall", "src/catalog/calls/calls.ts"],
  ["selectDuplicate", "src/catalog/calls/statements.ts"],
  ["signMessage", "src/webhooks/message.ts"],
  ["scrub", "src/image-api/error-body.ts"],
])("%s is exported by the file that it names", async (name, path) => {
  expect(quoted).toContain(name);
  expect(await readFile(path, "utf8")).toMatch(new RegExp(`export (async )?(function|const) ${name}\\b`));
});
