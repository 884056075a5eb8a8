import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { describe, expect, onTestFinished, test } from "vitest";

// A program that shows what it got, and ends as it is told: with a code, or by a signal that it waits for.
const PROGRAM = `
const [how, value] = process.argv.slice(2);
if (how === "exit") { console.log(JSON.stringify([process.versions.node, ...process.argv.slice(2)])); process.exit(Number(value)); }
process.on("SIGTERM", () => { console.log("closing"); process.exit(7); });
setInterval(() => {}, 1000);
console.log("ready");
`;

// what an old Node looks like to our code
const OLD_NODE = 'Object.defineProperty(process, "versions", { value: { ...process.versions, node: "20.1.0" } });';

/** A package like the installed one, around the real launcher. `program` is where the program stands in it. */
async function packageWith(options: { program?: string; ownNode?: boolean }): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "launcher-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await cp(join(import.meta.dirname, "../../bin"), join(folder, "bin"), { recursive: true });
  await writeFile(join(folder, "old-node.mjs"), OLD_NODE);
  await writeFile(join(folder, "package.json"), '{ "type": "module" }');
  const program = join(folder, options.program ?? "dist/cli/main.js");
  await mkdir(join(program, ".."), { recursive: true });
  await writeFile(program, PROGRAM);
  if (options.ownNode === true) {
    const bin = join(folder, "node_modules", `node-${process.platform}-${process.arch}`, "bin");
    await mkdir(bin, { recursive: true });
    await symlink(process.execPath, join(bin, "node"));
  }
  return folder;
}

function launch(folder: string, words: string[], options: { oldNode?: boolean } = {}): ChildProcess {
  const preload = options.oldNode === true ? ["--import", join(folder, "old-node.mjs")] : [];
  const child = spawn(process.execPath, [...preload, join(folder, "bin/asset-archiver.mjs"), ...words], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  return child;
}

async function ended(child: ChildProcess) {
  const [out, err, [code, signal]] = await Promise.all([
    child.stdout ? text(child.stdout) : "",
    child.stderr ? text(child.stderr) : "",
    once(child, "exit"),
  ]);
  return { out, err, code, signal };
}

describe("the installed command", () => {
  test("starts the built program with its arguments and passes its exit code on", async () => {
    const { out, code } = await ended(launch(await packageWith({}), ["exit", "3", "--n", "two words"]));
    expect(JSON.parse(out)).toEqual([process.versions.node, "exit", "3", "--n", "two words"]);
    expect(code).toBe(3);
  });

  test("starts the sources in a checkout", async () => {
    const { code } = await ended(launch(await packageWith({ program: "src/cli/main.ts" }), ["exit", "4"]));
    expect(code).toBe(4);
  });

  test("says one line and ends with 2 on an old Node", async () => {
    const folder = await packageWith({});
    const { err, out, code } = await ended(launch(folder, ["exit", "0"], { oldNode: true }));
    expect(err).toMatch(/^asset-archiver needs Node 24 or newer, and this is Node 20\.1\.0: .*\n$/);
    expect(out).toBe("");
    expect(code).toBe(2);
  });
});

describe("the installed command on an old Node with a new one installed beside it", () => {
  test("hands over: arguments, output and exit code are the program's own", async () => {
    const folder = await packageWith({ ownNode: true });
    const { out, code } = await ended(launch(folder, ["exit", "5", "a b"], { oldNode: true }));
    expect(JSON.parse(out)).toEqual([process.versions.node, "exit", "5", "a b"]);
    expect(code).toBe(5);
  });

  test("passes SIGTERM on and waits for the program's own end", async () => {
    const child = launch(await packageWith({ ownNode: true }), ["wait"], { oldNode: true });
    child.stdout?.once("data", () => child.kill("SIGTERM"));
    expect(await ended(child)).toMatchObject({ code: 7, out: expect.stringContaining("closing") });
  });

  test("ends by the signal that ended the program", async () => {
    const child = launch(await packageWith({ ownNode: true }), ["wait"], { oldNode: true });
    child.stdout?.once("data", () => child.kill("SIGHUP"));
    expect(await ended(child)).toMatchObject({ code: null, signal: "SIGHUP" });
  });

  test("takes the program along when it is killed", async () => {
    const child = launch(await packageWith({ ownNode: true }), ["wait"], { oldNode: true });
    child.stdout?.once("data", () => child.kill("SIGKILL"));
    // the program holds the other end of the stream: it ends when the program does
    const { out } = await ended(child);
    expect(out).toBe("ready\n");
  });
});
