import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { checkTree, readTree } from "../../scripts/check-imports.ts";

const HEAD = "// What lives here.\n";

/** The faults of a small tree; every text gets the opening comment. */
function check(tree: Record<string, string>): string[] {
  return checkTree(new Map(Object.entries(tree).map(([path, text]) => [path, `${HEAD}${text}`])));
}

describe("what may be imported", () => {
  test.each([
    ["a package in its home", "src/queue/workers.ts", 'import { Worker } from "bullmq";'],
    ["a part of a package in its home", "src/batches/manifest/csv.ts", 'import { parse } from "csv-parse/sync";'],
    [
      "types of a package that one file loads",
      "src/catalog/requests/rows.ts",
      'import type { SQL } from "drizzle-orm";',
    ],
    ["a package, by the file that loads it", "src/catalog/db/orm.ts", 'const orm = await import("drizzle-orm");'],
    ["a scoped package in its home", "src/storage/s3.ts", 'import type { S3Client } from "@aws-sdk/client-s3";'],
    [
      "a unit that is a file below a folder of another layer",
      "src/catalog/db/a.ts",
      'import { makeFolder } from "../../storage/make-folder.ts";',
    ],
    ["the types of Node in a pure unit", "src/domain/a.ts", 'import type { IncomingHttpHeaders } from "node:http";'],
    [
      "the sandbox, by the commands that show it",
      "src/cli/commands/up.ts",
      'import { openSandbox } from "../../dev/sandbox/sandbox.ts";',
    ],
    ["zod anywhere", "src/server/server.ts", 'import { z } from "zod";'],
    ["node's own in an adapter", "src/storage/directory.ts", 'import { open } from "node:fs/promises";'],
    ["hashing in a pure unit", "src/domain/request/recipe.ts", 'import { createHash } from "node:crypto";'],
    ["a lower layer", "src/queue/workers.ts", 'import { verdict } from "../pipeline/verdict.ts";'],
    ["the same unit", "src/queue/workers.ts", 'import { settle } from "./settle.ts";'],
    ["anything, in a comment", "src/domain/request/recipe.ts", '// import { Worker } from "bullmq";'],
    ["anything, in tests", "test/queue/workers.test.ts", 'import { Worker } from "bullmq";'],
  ])("%s", (_, path, text) => {
    expect(check({ [path]: text })).toEqual([]);
  });
});

describe("what may not be imported", () => {
  test.each([
    ["a package away from home", "src/pipeline/generate.ts", 'import { Job } from "bullmq";', "src/pipeline is pure"],
    [
      "a package away from home, as a type",
      "src/server/a.ts",
      'import type { Job } from "bullmq";',
      "its home is src/queue",
    ],
    ["a package away from home, late", "src/cli/a.ts", 'await import("sharp");', "its home is src/image"],
    [
      "a package over several lines",
      "src/cli/a.ts",
      'import {\n  a,\n  b,\n} from "undici";',
      "its home is src/outbound",
    ],
    ["a package for its effects", "src/cli/a.ts", 'import "better-sqlite3";', "its home is src/catalog"],
    [
      "a package that another file loads",
      "src/catalog/requests/rows.ts",
      'import { eq } from "drizzle-orm";',
      "cannot load drizzle-orm: only src/catalog/db/orm.ts may",
    ],
    ["a package without a home", "src/cli/a.ts", 'import { merge } from "lodash";', "is not listed in PACKAGE_HOMES"],
    ["files in a pure unit", "src/domain/request/a.ts", 'import { open } from "node:fs";', "src/domain is pure"],
    [
      "a higher layer",
      "src/pipeline/a.ts",
      'import { openApp } from "../app/app.ts";',
      "src/app/app.ts is not in a layer above",
    ],
    [
      "the sandbox, by what works",
      "src/app/worker.ts",
      'import { openSandbox } from "../dev/sandbox/sandbox.ts";',
      "only demo commands may",
    ],
    [
      "another adapter",
      "src/queue/a.ts",
      'import { open } from "../storage/open.ts";',
      "src/storage is not in a layer above",
    ],
    ["tests", "src/queue/a.ts", 'import { a } from "../../test/a.ts";', "outside src"],
    ["a unit without a layer", "src/misc/a.ts", "", "src/misc is in no layer"],
  ])("%s", (_, path, text, fault) => {
    const faults = check({ [path]: text });
    expect(faults).toHaveLength(1);
    expect(faults[0]).toContain(`${path}: `);
    expect(faults[0]).toContain(fault);
  });

  test("a file or an eighteenth folder at the top", () => {
    expect(check({ "src/b.ts": "" })).toContain("src/b.ts: is at the top of src, expected in one of its folders");
    const folders = Array.from({ length: 18 }, (_, at) => [`src/f${at}/a.ts`, ""]);
    expect(check(Object.fromEntries(folders))).toContain("src: has 18 folders, expected at most 17");
  });

  test("a ring of files, reported once", () => {
    const faults = check({
      "src/queue/a.ts": 'import { b } from "./b.ts";',
      "src/queue/b.ts": 'import type { c } from "./c.ts";',
      "src/queue/c.ts": 'import { a } from "./a.ts";',
    });
    expect(faults).toEqual(["src/queue/a.ts: imports itself via src/queue/b.ts → src/queue/c.ts → src/queue/a.ts"]);
  });
});

describe("the form of a file", () => {
  test.each([
    ["the environment read by its name", "src/cli/a.ts", "const a = process.env.HOME;", "reads the environment"],
    ["the environment taken apart", "src/cli/a.ts", "const { env } = process;", "reads the environment"],
    ["the environment imported", "src/cli/a.ts", 'import { env } from "node:process";', "reads the environment"],
    ["a default export", "test/a.test.ts", "export default 1;", "default export"],
    ["a barrel", "src/queue/a.ts", 'export { settle } from "./settle.ts";', "re-exports"],
    ["a star", "src/queue/a.ts", 'export * from "./settle.ts";', "re-exports"],
    ["too many lines", "src/queue/a.ts", "a;\n".repeat(400), "has 401 lines, expected at most 400"],
    ["too many lines of a test", "test/queue/a.test.ts", "a;\n".repeat(400), "expected at most 400"],
  ])("refuses %s", (_, path, text, fault) => {
    expect(check({ [path]: text })).toEqual([expect.stringContaining(fault)]);
  });

  test("refuses a source that does not say what it is", () => {
    expect(checkTree(new Map([["src/queue/a.ts", "export const a = 1;\n"]]))).toHaveLength(1);
  });

  test.each([
    ["the settings' own reader", "src/app/settings.ts", "const a = process.env.HOME;"],
    ["the public face", "src/client.ts", 'export type { Recipe } from "./domain/request/recipe.ts";'],
    ["400 lines", "src/queue/a.ts", "a;\n".repeat(399)],
    ["an address in a string", "src/cli/a.ts", 'const a = "https://host/process";'],
  ])("accepts %s", (_, path, text) => {
    expect(check({ [path]: text })).toEqual([]);
  });
});

test("this checkout keeps the rules", async () => {
  const files = await readTree(join(import.meta.dirname, "../.."));
  expect(files.size).toBeGreaterThan(20);
  expect(checkTree(files)).toEqual([]);
});
