import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { ask, openCalls, openWorld, reaches, says, startWorkerCommand, until } from "./support.ts";

const run = promisify(execFile);
const MIB = 1024 * 1024;

/** A disk of its own, small enough to be filled; undefined where this user may not mount one. */
async function mountSmallDisk(): Promise<string | undefined> {
  const folder = await mkdtemp(join(tmpdir(), "small-disk-"));
  try {
    await run("mount", ["-t", "tmpfs", "-o", "size=8m", "tmpfs", folder]);
  } catch {
    await rm(folder, { recursive: true });
    return undefined;
  }
  onTestFinished(async () => {
    await run("umount", ["-l", folder]);
    await rm(folder, { recursive: true });
  });
  return folder;
}

/** Writes until not a byte is left; returns the file that takes the room. */
async function fill(folder: string): Promise<string> {
  const file = join(folder, "ballast");
  for (const size of [MIB, 64 * 1024, 4096]) {
    for (let full = false; !full; )
      full = await writeFile(file, Buffer.alloc(size), { flag: "a" }).then(
        () => false,
        () => true,
      );
  }
  return file;
}

test("a full disk halts work with a clear message, loses no paid answer, and work goes on when there is room", {
  timeout: 120_000,
}, async (context) => {
  const disk = await mountSmallDisk();
  if (disk === undefined) return context.skip("only root may mount a small disk");
  const arena = await openWorld({ CATALOG_URL: `file:${disk}/catalog.db`, IMAGE_API_TIMEOUT: "30s" });
  await arena.sandbox.set({ latencyMs: 2_000 });
  const ids = [];
  for (let number = 1; number <= 6; number++) {
    const response_format = number % 2 === 0 ? "b64_json" : "url";
    ids.push(await ask(arena, { prompt: `fox ${number}`, response_format }));
  }
  const worker = await startWorkerCommand(arena);
  await until("calls are out", async () => (await openCalls(arena)) === 4);
  const ballast = await fill(disk);

  await says(arena, /Cannot write the catalog|Cannot write ".*" to the spool/);
  await until("all four have answered", async () => (await arena.sandbox.bill()).outcomes.answered === 4);
  expect(worker.process.exitCode).toBeNull();

  await rm(ballast);
  for (const id of ids) {
    const { calls } = await reaches(arena, id, "archived", 60_000);
    expect(calls.map((call) => call.state)).toEqual(["answered"]);
  }
  expect((await arena.sandbox.bill()).calls).toBe(6);
});
