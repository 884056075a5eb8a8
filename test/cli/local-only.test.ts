// ASSET_ARCHIVER_URL is obeyed or refused by every command, and never ignored: over the program's own list of commands.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Command } from "commander";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createProgram } from "../../src/cli/program.ts";
import { closedOrigin } from "../support/servers.ts";
import { openPlace, type Place } from "./support.ts";

const program = await createProgram({ isWanted: () => true, end: () => undefined });

/** Every command that does something, as it is typed, with a word for each argument and option that it requires. */
function leavesOf(command: Command, path: string[] = []): { path: string; args: string[]; remote: boolean }[] {
  return command.commands.flatMap((sub) => {
    const here = [...path, sub.name()];
    if (sub.commands.length > 0) return leavesOf(sub, here);
    const required = sub.registeredArguments.filter((one) => one.required).map(() => "x");
    const options = sub.options.filter(({ mandatory }) => mandatory).flatMap(({ long }) => [long ?? "", "x"]);
    const remote = sub.options.some(({ long }) => long === "--url");
    return [{ path: here.join(" "), args: [...here, ...required, ...options], remote }];
  });
}

const LEAVES = leavesOf(program);
const LOCAL = LEAVES.filter(({ remote }) => !remote);

/** Forms of commands with --url that know no server. */
const LOCAL_FORMS = [
  ["status", "--batch", "b"],
  ["status", "--batch", "b", "--report"],
  ["wait", "--batch", "b"],
  ["cancel", "--batch", "b"],
  ["retry", "--batch", "b", "--failed"],
  ["retry", "--webhook", "fox"],
];

/** Nothing here can be reached, so that what is done here instead of at the server fails in other words. */
const NOTHING_HERE = { REDIS_URL: "redis://127.0.0.1:9", CATALOG_URL: "file:/dev/null/catalog.db" };

let place: Place;
let url: string;

beforeAll(async () => {
  place = await openPlace(NOTHING_HERE);
  url = await closedOrigin();
});

afterAll(() => place.close());

test("the commands about single requests know a server", () => {
  expect(LEAVES.filter(({ remote }) => remote).map(({ path }) => path)).toEqual(
    expect.arrayContaining(["enqueue", "status", "wait", "retry", "cancel"]),
  );
  expect(LOCAL.length).toBeGreaterThan(20);
});

test.concurrent.each(LOCAL)("$path refuses ASSET_ARCHIVER_URL in one line", async ({ path, args }) => {
  const { code, out, err } = await place.run(args, { env: { ASSET_ARCHIVER_URL: url } });
  expect([code, out, err]).toEqual([
    2,
    "",
    `Cannot run "${path}" at ${url} (ASSET_ARCHIVER_URL): it works on the local catalog only; to run it here, unset the variable: ASSET_ARCHIVER_URL= asset-archiver ${path}\n`,
  ]);
});

test.concurrent.each(LOCAL_FORMS)("%s %s refuses a server, by variable and by flag", async (...args) => {
  const byVariable = await place.run(args, { env: { ASSET_ARCHIVER_URL: url } });
  expect(byVariable).toMatchObject({
    code: 2,
    out: "",
    err: expect.stringMatching(/^Cannot run .*local catalog only.*\n$/),
  });
  const byFlag = await place.run([...args, "--url", url]);
  expect(byFlag).toMatchObject({
    code: 2,
    out: "",
    err: expect.stringMatching(/^Cannot run .*with --url: it works on the local.*\n$/),
  });
});

test.concurrent.each([
  ["enqueue", "a fox"],
  ["status"],
  ["status", "fox"],
  ["wait", "fox"],
  ["cancel", "fox"],
  ["retry", "fox"],
  ["retry", "fox", "--reread"],
  ["retry", "--collection", "c", "--dry-run"],
])("%s %s speaks to the server of ASSET_ARCHIVER_URL", async (...args) => {
  const { code, err } = await place.run(args, { env: { ASSET_ARCHIVER_URL: url } });
  expect([code, err]).toEqual([1, expect.stringContaining(`Cannot reach the server at ${url}`)]);
});

test("a variable in .env counts, an empty one in the environment takes it away, and --help is never refused", async () => {
  const here = await openPlace();
  try {
    await writeFile(join(here.folder, ".env"), `ASSET_ARCHIVER_URL="${url}/base"\n`);
    const refused = await here.run(["catalog", "list", "--json"]);
    expect(refused.code).toBe(2);
    expect(JSON.parse(refused.err)).toMatchObject({
      error: { code: "local_only", faults: [{ field: "ASSET_ARCHIVER_URL" }] },
    });
    expect(await here.run(["catalog", "list"], { env: { ASSET_ARCHIVER_URL: "" } })).toMatchObject({ code: 0 });
    expect(await here.run(["catalog", "list", "--help"])).toMatchObject({ code: 0, err: "" });
  } finally {
    await here.close();
  }
});
