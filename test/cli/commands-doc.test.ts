import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Command } from "commander";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { COMMANDS } from "../../src/cli/commands.ts";
import { createProgram } from "../../src/cli/program.ts";
import { openPlace, type Place } from "./support.ts";

const program = await createProgram({ isWanted: () => true, end: () => undefined });
const page = await readFile(join(import.meta.dirname, "../../docs/commands.md"), "utf8");

/** Every command by its path ("catalog list"), groups among them. */
function byPath(command: Command, path: string[] = []): [string, Command][] {
  return command.commands.flatMap((sub) => {
    const here = [...path, sub.name()];
    return [[here.join(" "), sub], ...byPath(sub, here)] as [string, Command][];
  });
}

const EXISTING = new Map(byPath(program));

/** The flags in the table of each section, by the section's command. */
const DOCUMENTED = new Map(
  page
    .split(/^## /m)
    .slice(1)
    .map((section) => {
      const [, path = ""] = /^`([^`]+)`/.exec(section) ?? [];
      return [path, [...section.matchAll(/^\| `(--[a-z0-9-]+)/gm)].map(([, flag]) => flag ?? "")] as const;
    }),
);

test("docs/commands.md has a section for each command, and for nothing else", () => {
  expect([...DOCUMENTED.keys()].sort()).toEqual([...EXISTING.keys()].sort());
});

test.each([...EXISTING])("docs/commands.md has a row for each flag of %s, and for nothing else", (path, command) => {
  const flags = command.options.map(({ long }) => long ?? "").filter((flag) => flag !== "--help");
  expect([...(DOCUMENTED.get(path) ?? [])].sort()).toEqual(flags.sort());
});

test("--help of the program and of a group tells of each command what the command tells of itself", async () => {
  const names = await createProgram({ isWanted: (name) => name === "catalog", end: () => undefined });
  for (const { name, about } of COMMANDS) expect(EXISTING.get(name)?.description()).toBe(about);
  for (const [path, named] of byPath(names)) expect(EXISTING.get(path)?.description()).toBe(named.description());
});

describe("--help", () => {
  let place: Place;

  beforeAll(async () => {
    place = await openPlace();
  });

  afterAll(() => place.close());

  test.each([[""], ...[...EXISTING.keys()].map((path) => [path])])(
    "of %j has examples and ends with 0",
    async (path) => {
      const { code, out, err } = await place.run([...path.split(" ").filter((word) => word !== ""), "--help"]);
      expect(code).toBe(0);
      expect(err).toBe("");
      expect(out).toMatch(/^Examples:$/m);
      expect(out).toMatch(/^ {2}\$ .*asset-archiver/m);
    },
  );
});
