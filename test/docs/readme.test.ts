// The README's map names every folder of src, its links lead somewhere, and the first command is near the top.
import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { expect, test } from "vitest";

const readme = await readFile("README.md", "utf8");

test("every folder of src stands in the map, and the map names no other", async () => {
  const folders = (await readdir("src", { withFileTypes: true })).filter((entry) => entry.isDirectory());
  const named = [...readme.matchAll(/`src\/([a-z-]+)\/`/g)].map(([, name]) => name);
  expect(named.sort()).toEqual(folders.map((folder) => folder.name).sort());
});

test("every page of docs is linked, and every link leads to a file", async () => {
  const links = [...readme.matchAll(/\]\(([^)]+)\)/g)].map(([, path = ""]) => path);
  expect(links.filter((path) => !existsSync(path))).toEqual([]);
  const pages = (await readdir("docs")).map((page) => `docs/${page}`);
  expect(pages.filter((page) => !links.includes(page))).toEqual([]);
});

test("the first command stands before line 30", () => {
  expect(readme.split("\n").findIndex((line) => line.startsWith("```"))).toBeLessThan(29);
});
