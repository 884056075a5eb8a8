// The package as others get it: packed, installed into an empty project, imported, type-checked and used.
// Slow, since it builds and installs; the registry (or npm's cache of it) must be in reach, as for `npm ci`.
import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, inject, onTestFinished, test } from "vitest";

const run = promisify(execFile);
const ROOT = join(import.meta.dirname, "../..");
const SLOW_MS = 10 * 60_000;

/** What lies in a checkout and makes the package. Built in a copy, so that nobody's dist is pulled away. */
const SOURCES = ["package.json", "tsconfig.json", "tsconfig.build.json", "src", "bin", "scripts", "migrations", "docs"];

const PROGRAM = `
import { createClient, RejectedError } from "asset-archiver";
const client = createClient({ redisUrl: process.env.REDIS_URL, queuePrefix: process.env.QUEUE_PREFIX });
const accepted = await client.enqueue({ prompt: "a fox", request_id: "fox" });
const refused = await client.enqueue({ prompt: "a wolf", request_id: "fox" }).catch((error) => error);
const bulk = [];
for await (const one of client.enqueueBulk([{ prompt: "a" }, { prompt: "" }])) bulk.push(one.ok);
const found = await client.get("fox");
await client.close();
console.log(JSON.stringify({ accepted, code: refused instanceof RejectedError && refused.code, bulk, found }));
`;

const TYPED = `
import { createClient, type BulkResult, type KnownRequest, type RequestView, type SubmissionInput } from "asset-archiver";
const request: SubmissionInput = { prompt: "a fox", aspect_ratio: "16:9", metadata: { order: [1, null] } };
const direct = createClient({ redisUrl: "redis://127.0.0.1:6379" });
const known: Promise<KnownRequest> = direct.wait("fox", { timeoutMs: 1000, signal: new AbortController().signal });
const server = createClient({ url: "http://127.0.0.1:8080", token: "t" });
const view: Promise<RequestView> = server.enqueue(request);
const calls: Promise<string[]> = server.wait("fox").then((found) => found.calls.map((call) => call.state));
async function all(): Promise<void> {
  for await (const result of direct.enqueueBulk([request])) {
    const one: BulkResult = result;
    console.log(one.ok ? one.request_id : one.error.faults);
  }
  for await (const found of server.find({ state: "archived", collection: "c" })) console.log(found.prompt);
}
// @ts-expect-error: a ratio that the API does not know
createClient({ url: "http://127.0.0.1" }).enqueue({ prompt: "a", aspect_ratio: "5:4" });
// @ts-expect-error: a misspelt field
const misspelt: SubmissionInput = { prompt: "a", sedd: 1 };
// @ts-expect-error: neither way
createClient({});
// @ts-expect-error: directly to Redis the calls are not known
direct.get("fox").then((found) => found?.calls);
export { all, calls, known, misspelt, view };
`;

async function openFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "archiver-packed-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

async function pack(): Promise<string> {
  const folder = await openFolder();
  for (const name of SOURCES) await cp(join(ROOT, name), join(folder, name), { recursive: true });
  await symlink(join(ROOT, "node_modules"), join(folder, "node_modules"));
  const { stdout } = await run("npm", ["pack", "--json", "--loglevel=error"], { cwd: folder });
  const { filename, files } = (
    JSON.parse(stdout.slice(stdout.indexOf("["))) as [{ filename: string; files: { path: string }[] }]
  )[0];
  const paths = files.map((file) => file.path);
  expect(paths).toEqual(expect.arrayContaining(["dist/client.js", "dist/client.d.ts", "bin/asset-archiver.mjs"]));
  expect(paths.filter((path) => path.startsWith("src/") || path.startsWith("test/"))).toEqual([]);
  return join(folder, filename);
}

async function install(tarball: string): Promise<string> {
  const project = await openFolder();
  await writeFile(join(project, "package.json"), JSON.stringify({ name: "guest", private: true, type: "module" }));
  const flags = [
    "--prefer-offline",
    "--no-audit",
    "--no-fund",
    "--ignore-scripts",
    "--omit=optional",
    "--loglevel=error",
  ];
  await run("npm", ["install", tarball, ...flags], { cwd: project });
  return project;
}

async function checkTypes(project: string): Promise<string> {
  // what every TypeScript project on Node has, and no more
  await mkdir(join(project, "node_modules/@types"), { recursive: true });
  await symlink(join(ROOT, "node_modules/@types/node"), join(project, "node_modules/@types/node"));
  await symlink(join(ROOT, "node_modules/undici-types"), join(project, "node_modules/undici-types"));
  await writeFile(join(project, "typed.ts"), TYPED);
  const flags = ["--noEmit", "--strict", "--exactOptionalPropertyTypes", "--module", "nodenext", "--target", "es2024"];
  const tsc = join(ROOT, "node_modules/.bin/tsc");
  // what it finds it prints on stdout; what keeps it from running is in the message
  return run(tsc, [...flags, "--types", "node", "typed.ts"], { cwd: project }).then(
    ({ stdout }) => stdout,
    (error) => error.stdout || error.message,
  );
}

test("the packed client is imported, type-checked and used by an empty project", { timeout: SLOW_MS }, async () => {
  const project = await install(await pack());
  const { version } = JSON.parse(await readFile(join(project, "node_modules/asset-archiver/package.json"), "utf8"));
  expect(version).toMatch(/^\d+\.\d+\.\d+/);
  expect(await checkTypes(project)).toBe("");
  await writeFile(join(project, "program.js"), PROGRAM);
  const env = { ...process.env, REDIS_URL: inject("redisUrl"), QUEUE_PREFIX: `{packed-${process.pid}}` };
  const { stdout } = await run(process.execPath, ["program.js"], { cwd: project, env });
  expect(JSON.parse(stdout)).toEqual({
    accepted: { request_id: "fox", state: "queued", error: null, recipe_id: null, assets: null },
    code: "request_id_conflict",
    bulk: [true, false],
    found: { request_id: "fox", state: "queued", error: null, recipe_id: null, assets: null },
  });
});
