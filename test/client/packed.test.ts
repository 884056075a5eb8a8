// The package as others get it: packed, installed into an empty project, imported, type-checked and used.
// Slow, since it builds and installs; the registry (or npm's cache of it) must be in reach, as for `npm ci`.
import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, inject, onTestFinished, test } from "vitest";
import { startServer } from "../../src/server/server.ts";
import { openWorld } from "../support/world.ts";

const run = promisify(execFile);
const ROOT = join(import.meta.dirname, "../..");
const SLOW_MS = 10 * 60_000;

/** What lies in a checkout and makes the package. Built in a copy, so that nobody's dist is pulled away. */
const SOURCES = [
  "package.json",
  "tsconfig.json",
  "tsconfig.build.json",
  "src",
  "bin",
  "scripts",
  "migrations",
  "docs",
  "packages",
];

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

/** Both packages, made by the one build. */
async function pack(): Promise<{ whole: string; client: string }> {
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
  const packed = await run("npm", ["pack", "--json", "--loglevel=error", "--ignore-scripts"], {
    cwd: join(folder, "packages/client"),
  });
  const [client] = JSON.parse(packed.stdout) as [{ filename: string; files: { path: string }[] }];
  expect(client.files.filter(({ path }) => !/^(dist\/|package\.json$|README\.md$)/.test(path))).toEqual([]);
  return { whole: join(folder, filename), client: join(folder, "packages/client", client.filename) };
}

async function install(tarball: string, offline: string[] = ["--prefer-offline"]): Promise<string> {
  const project = await openFolder();
  await writeFile(join(project, "package.json"), JSON.stringify({ name: "guest", private: true, type: "module" }));
  const flags = [...offline, "--no-audit", "--no-fund", "--ignore-scripts", "--omit=optional", "--loglevel=error"];
  await run("npm", ["install", tarball, ...flags], { cwd: project });
  return project;
}

/** As a project without any other package: the compiler's own library, and no type left unchecked. */
async function checkBareTypes(project: string, module: string[]): Promise<string> {
  await writeFile(join(project, "typed.ts"), TYPED.replaceAll('"asset-archiver"', '"asset-archiver-client"'));
  const flags = [
    "--noEmit",
    "--strict",
    "--exactOptionalPropertyTypes",
    "--target",
    "es2022",
    "--types",
    "",
    ...module,
  ];
  return run(join(ROOT, "node_modules/.bin/tsc"), [...flags, "typed.ts"], { cwd: project }).then(
    ({ stdout }) => stdout,
    (error) => error.stdout || error.message,
  );
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

/** Installed size of the client alone, in bytes. */
const CLIENT_MAX_BYTES = 400_000;

const REMOTE = `
import { createClient } from "asset-archiver-client";
const client = createClient({ url: process.env.SERVER });
const accepted = await client.enqueue({ prompt: "a fox", request_id: "fox" });
const refused = await client.enqueue({ prompt: "", n: 9 }).catch((error) => error);
const direct = createClient({ redisUrl: process.env.REDIS_URL });
const missing = await direct.get("fox").catch((error) => error);
console.log(JSON.stringify({ state: accepted.state, faults: refused.faults.map(({ field }) => field), code: missing.code }));
`;

async function checkClientPackage(tarball: string): Promise<void> {
  const project = await install(tarball, ["--offline"]);
  const modules = join(project, "node_modules");
  expect((await readdir(modules)).filter((name) => !name.startsWith("."))).toEqual(["asset-archiver-client"]);
  await expect(readdir(join(modules, ".bin"))).rejects.toThrow("ENOENT");
  expect(await sizeOf(join(modules, "asset-archiver-client"))).toBeLessThan(CLIENT_MAX_BYTES);
  const bundler = ["--module", "esnext", "--moduleResolution", "bundler"];
  expect(await checkBareTypes(project, bundler)).toBe("");
  expect(await checkBareTypes(project, ["--module", "node16"])).toBe("");
  const world = await openWorld({ PORT: "0" });
  const server = await startServer(world.app);
  onTestFinished(() => server.stop({ graceMs: 0 }));
  const env = { ...process.env, ...world.env, SERVER: server.url };
  await writeFile(join(project, "remote.js"), REMOTE);
  const remote = await run(process.execPath, ["remote.js"], { cwd: project, env });
  expect(JSON.parse(remote.stdout)).toEqual({ state: "queued", faults: ["prompt", "n"], code: "package_missing" });
  // with its optional peers it speaks to the queue as well
  for (const peer of ["bullmq", "ioredis"]) await symlink(join(ROOT, "node_modules", peer), join(modules, peer));
  await writeFile(join(project, "program.js"), PROGRAM.replace('"asset-archiver"', '"asset-archiver-client"'));
  const own = { ...env, QUEUE_PREFIX: `{client-${process.pid}}` };
  const direct = await run(process.execPath, ["program.js"], { cwd: project, env: own });
  expect(JSON.parse(direct.stdout)).toMatchObject({ accepted: { state: "queued" }, code: "request_id_conflict" });
}

async function sizeOf(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const sizes = entries.filter((entry) => entry.isFile()).map((entry) => stat(join(entry.parentPath, entry.name)));
  return (await Promise.all(sizes)).reduce((total, { size }) => total + size, 0);
}

test("both packages have one version, and the client's peers are what the archive itself uses", async () => {
  const read = async (path: string) => JSON.parse(await readFile(join(ROOT, path), "utf8"));
  const [whole, client] = await Promise.all([read("package.json"), read("packages/client/package.json")]);
  expect([client.version, client.dependencies]).toEqual([whole.version, undefined]);
  for (const [name, range] of Object.entries(client.peerDependencies)) expect(range).toBe(whole.dependencies[name]);
});

test("the packed client is imported, type-checked and used by an empty project", { timeout: SLOW_MS }, async () => {
  const { whole, client } = await pack();
  await checkClientPackage(client);
  const project = await install(whole);
  // nothing of ours puts a node into somebody's path
  expect(await readdir(join(project, "node_modules/.bin"))).not.toContain("node");
  const { version, optionalDependencies } = JSON.parse(
    await readFile(join(project, "node_modules/asset-archiver/package.json"), "utf8"),
  );
  expect([version, optionalDependencies]).toEqual([expect.stringMatching(/^\d+\.\d+\.\d+/), undefined]);
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
