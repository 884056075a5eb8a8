import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { findUnpinned } from "../../scripts/check-lock.ts";

const integrity = `sha512-${"A".repeat(86)}==`;

test("names what is not pinned to its content", () => {
  const packages = {
    "": { version: "1.0.0" },
    "node_modules/good": { version: "1.0.0", integrity },
    "node_modules/none": { version: "2.0.0" },
    "node_modules/a/node_modules/@scope/weak": { version: "3.0.0", integrity: "sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=" },
    "node_modules/cut": { version: "4.0.0", integrity: "sha512-AAAA" },
    "node_modules/linked": { link: true },
    "node_modules/good/node_modules/bundled": { version: "5.0.0", inBundle: true },
  };
  expect(findUnpinned({ packages })).toEqual(["none@2.0.0", "@scope/weak@3.0.0", "cut@4.0.0"]);
});

test("the lock of this checkout pins everything", async () => {
  const lock = await readFile(join(import.meta.dirname, "../../package-lock.json"), "utf8");
  expect(findUnpinned(JSON.parse(lock) as Parameters<typeof findUnpinned>[0])).toEqual([]);
});
