// "Never throws" holds whatever a port does: with every write of the catalog failing at its n-th use, each stage still ends
// in an outcome, no job ends before its row does, and the request is archived as soon as the writes go through again.
import { rmSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { ConfigError, TransientError } from "../../src/domain/errors.ts";
import type { Catalog } from "../../src/pipeline/ports.ts";
import { found, openWorld, runArchiveJobs, startProcess, type World } from "./world.ts";

const DATA = { request_id: "r", prompt: "a red fox" };

const FAILURES = {
  bug: () => new Error("TypeError of a library"),
  busy: () => new TransientError("database is locked", { code: "catalog_busy" }),
  full: () => new ConfigError("database or disk is full", { code: "catalog_full" }),
};

/** A catalog of which these methods reject while `mood.down`. */
function failing(methods: readonly (keyof Catalog)[], toError: () => Error) {
  const mood = { down: true, failed: 0 };
  const wrap = (catalog: Catalog): Catalog => {
    const wrapped = methods.map((method) => [
      method,
      (...args: unknown[]) => {
        if (!mood.down) return (catalog[method] as (...all: unknown[]) => unknown)(...args);
        mood.failed += 1;
        return Promise.reject(toError());
      },
    ]);
    return { ...catalog, ...Object.fromEntries(wrapped) };
  };
  return { mood, wrap };
}

const kinds = Object.entries(FAILURES);

async function openRefusing(): Promise<World> {
  return openWorld({ settings: { attempts: 1 } });
}

describe.each(kinds)("a catalog that fails as by a %s", (_, toError) => {
  test.each([
    ["noteError and finish", ["recordError", "finish"]],
    ["reserveCall", ["reserveCall"]],
    ["find", ["find"]],
    ["accept", ["accept"]],
    ["acceptFault", ["acceptFault"]],
    ["holdOf", ["holdOf"]],
  ] as const)("in %s leaves no generate job failed while its row goes on", async (_name, methods) => {
    const world = await openRefusing();
    const { mood, wrap } = failing(methods, toError);
    const process = await startProcess(world, { catalog: wrap });
    // the sandbox refuses this prompt for good, so that there is an end to be recorded
    const data = { ...DATA, prompt: methods.includes("finish" as never) ? "a fox [reject]" : DATA.prompt };
    const outcome = await process.generate(data);
    const row = await process.catalog.find("r");
    if (outcome.kind === "rejected" || outcome.kind === "exhausted") expect(row?.request.state).toBe("failed");
    if (outcome.kind === "done") expect(row?.request.state).not.toBe("generating");
    mood.down = false;
  });

  test("in finish and noteError leaves no archive job ended while its row goes on", async () => {
    const world = await openWorld();
    const { mood, wrap } = failing(["finish", "recordError", "recordAsset", "markSidecarWritten"], toError);
    const process = await startProcess(world, { catalog: wrap });
    expect(await process.generate(DATA)).toMatchObject({ kind: "done" });
    expect(await process.archive("r")).toMatchObject({ kind: "wait" });
    expect(mood.failed).toBeGreaterThan(1);
    expect((await found(process, "r")).request.state).toBe("copying");
    mood.down = false;
    expect(await runArchiveJobs(world, process)).toBe(true);
    expect((await found(process, "r")).request.state).toBe("archived");
  });

  test("in recording that an image is lost leaves no archive job ended while its row goes on", async () => {
    const world = await openWorld();
    const { mood, wrap } = failing(["finish", "recordError"], toError);
    const process = await startProcess(world, { catalog: wrap });
    expect(await process.generate({ ...DATA, response_format: "b64_json" })).toMatchObject({ kind: "done" });
    rmSync(join(world.folder, "spool"), { recursive: true });
    expect(await process.archive("r")).toMatchObject({ kind: "wait" });
    expect((await found(process, "r")).request.state).toBe("copying");
    mood.down = false;
    expect(await process.archive("r")).toMatchObject({ kind: "rejected", error: { code: "spool_lost" } });
    expect((await found(process, "r")).request.state).toBe("failed");
  });
});

test("a step hook and a log that fail are no way out either", async () => {
  const world = await openWorld();
  const process = await startProcess(world, {
    onStep: (step) => {
      if (step === "sidecar" || step === "accept") throw new Error("hook");
    },
  });
  expect(await process.generate(DATA)).toMatchObject({ kind: "retry" });
  expect(await process.archive("r")).toMatchObject({ kind: "done" });
});
