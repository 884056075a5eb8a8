import { expect, test } from "vitest";
import { ConfigError, TransientError } from "../../src/domain/errors.ts";
import { retryUntilPersisted } from "../../src/pipeline/retry-until-persisted.ts";
import { runSteps } from "../../src/pipeline/steps.ts";

const silent = { debug() {}, info() {}, warn() {}, error() {} };
const never = new AbortController().signal;

function failing(times: number, error: Error) {
  let tries = 0;
  const work = async () => {
    tries += 1;
    if (tries <= times) throw error;
    return "kept";
  };
  return { work, tries: () => tries };
}

function run(signal: AbortSignal = never) {
  const waits: number[] = [];
  const clock = { now: Date.now, sleep: async (ms: number) => void waits.push(ms) };
  return { clock, log: silent, requestId: "r", delivery: { signal }, waits };
}

test.each([
  ["a disk that is full", new ConfigError("full", { code: "catalog_unwritable" })],
  ["a catalog that is locked", new TransientError("busy", { code: "catalog_busy" })],
])("what is paid is put on record in the end, after any number of tries: %s", async (_, error) => {
  const { work, tries } = failing(50, error);
  const insisting = run();
  expect(await retryUntilPersisted(insisting, "keep", work)).toBe("kept");
  expect([tries(), insisting.waits.length]).toEqual([51, 50]);
});

test("a bug is not insisted on", async () => {
  const { work, tries } = failing(5, new TypeError("bug"));
  await expect(retryUntilPersisted(run(), "keep", work)).rejects.toThrow("bug");
  expect(tries()).toBe(1);
});

test("a process that must end gives up, after having tried once", async () => {
  const { work, tries } = failing(5, new ConfigError("full", { code: "catalog_unwritable" }));
  await expect(retryUntilPersisted(run(AbortSignal.abort()), "keep", work)).rejects.toThrow("full");
  expect(tries()).toBe(1);
});

test("steps run in order until one ends the job, and each is reported after its work is done", async () => {
  const seen: string[] = [];
  const step = (name: string, ends = false) => ({
    name,
    do: async () => {
      seen.push(`do ${name}`);
      return ends ? ({ kind: "done", result: name } as const) : undefined;
    },
  });
  const value = { requestId: "r", onStep: (name: string) => void seen.push(`reported ${name}`) };
  expect(await runSteps([step("a"), step("b", true), step("c")], value)).toEqual({ kind: "done", result: "b" });
  expect(seen).toEqual(["do a", "reported a", "do b", "reported b"]);
  await expect(runSteps([step("a")], value)).rejects.toThrow(/returned no outcome/);
});
