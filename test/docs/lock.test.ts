// docs/lock.md: its example is a lock file, its hashes are those of the example, and its program computes the root.
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { leafHash, merkleRoot } from "../../src/domain/lockfile/merkle.ts";
import { parseLock } from "../../src/domain/lockfile/read.ts";
import { describeRoot } from "../../src/domain/lockfile/root.ts";
import { canonicalJson } from "../../src/domain/request/canonical-json.ts";
import { lockText } from "../domain/lockfile/lock-text.ts";

const page = await readFile(new URL("../../docs/lock.md", import.meta.url), "utf8");
const block = (language: string) => new RegExp(`^\`\`\`${language}\n([\\s\\S]*?)^\`\`\`$`, "m").exec(page)?.[1] ?? "";
const example = parseLock(block("json"), "docs/lock.md");

test("the example is a lock file as it is written", () => {
  expect(lockText(example)).toBe(block("json"));
  const { root, images, entries } = example;
  expect(block("console")).toContain(`\n${describeRoot({ root, images, requests: entries.length })}\n`);
});

test("the hashes of the worked example are what the entries give", () => {
  const told = new Map(
    [...page.matchAll(/^\| (leaf|node|root)(.*?) \| `([0-9a-f]{64})` \|$/gm)].map((row) => [
      `${row[1]}${row[2]}`,
      row[3],
    ]),
  );
  const leaf = (id: string) => leafHash(canonicalJson(example.entries.find((one) => one.request_id === id) ?? null));
  const [badger, fox, heron] = [leaf("badger-1"), leaf("fox-1"), leaf("heron-1")];
  expect(Object.fromEntries(told)).toEqual({
    "leaf `badger-1`": badger.toString("hex"),
    "leaf `fox-1`": fox.toString("hex"),
    "leaf `heron-1`": heron.toString("hex"),
    "node `badger-1`, `fox-1`": merkleRoot([badger, fox]).toString("hex"),
    root: example.root.replace("sha256:", ""),
  });
});

test("the program computes the root of the example", async () => {
  const folder = await mkdtemp(join(tmpdir(), "docs-lock-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, "root.mjs"), block("js"));
  await writeFile(join(folder, "example.json"), block("json"));
  const run = promisify(execFile)(process.execPath, ["root.mjs", "example.json"], { cwd: folder });
  expect((await run).stdout).toBe(`${example.root}\n`);
});
