// An image that takes the process down is decoded alone, then no more; what is decoded well leaves no mark.
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { found, keysOf, openWorld, runArchiveJobs, startProcess } from "./world.ts";

const DATA = { request_id: "r", prompt: "a red fox" };
const IMAGE = { request_id: "r", index: 0 };

async function generated(options: { deaths?: number } = {}) {
  const world = await openWorld();
  const steps: string[] = [];
  const process = await startProcess(world, { onStep: (step) => void steps.push(step) });
  await process.generate(DATA);
  // what a kill in the midst of decoding leaves
  for (let death = 0; death < (options.deaths ?? 0); death++) await process.catalog.markDecoding(IMAGE);
  return { world, process, steps };
}

test("the first try of a small image costs no commit", async () => {
  const { process, steps } = await generated();
  await process.archive("r");
  expect(steps).not.toContain("decode");
  expect((await found(process, "r")).request.state).toBe("archived");
});

test.each([
  ["a job that was begun before", { attempt: 2, deaths: 0 }],
  ["one death", { attempt: 1, deaths: 1 }],
  ["two deaths", { attempt: 1, deaths: 2 }],
])("after %s it is marked before it is decoded, and not any more afterwards", async (_, { attempt, deaths }) => {
  const { world, process, steps } = await generated({ deaths });
  const marks: number[] = [];
  const next = await startProcess(world, {
    onStep: async (step) => {
      steps.push(step);
      if (step === "decode" || step === "verify") marks.push(await process.catalog.decodeAttempts(IMAGE));
    },
  });
  await next.archive("r", { attempt });
  expect(marks).toEqual([deaths + 1, 0]);
  expect((await found(process, "r")).request.state).toBe("archived");
});

test("an image that cannot be decoded leaves no mark: nobody died", async () => {
  const { process } = await generated();
  mkdirSync(process.spoolFolder, { recursive: true });
  writeFileSync(join(process.spoolFolder, "r.1.0"), "no image at all");
  await process.catalog.recordSpoolFile(IMAGE, "r.1.0");
  expect((await process.archive("r", { attempt: 2 })).kind).toBe("done");
  expect(await process.catalog.decodeAttempts(IMAGE)).toBe(0);
});

test("after three crashes its bytes are kept, the request is parked with the reason, and a retry decodes once more", async () => {
  const { world, process } = await generated({ deaths: 3 });
  expect(await process.archive("r")).toMatchObject({ kind: "parked", error: { code: "decoder_died" } });
  const { request, images } = await found(process, "r");
  expect(request).toMatchObject({ state: "parked", error: { code: "decoder_died" } });
  expect(request.error?.message).toMatch(/image 0 of request "r": the worker died 3 times while decoding it/);
  expect(images).toMatchObject([{ digest: null, spool_file: "r.1.0" }]);
  expect(readdirSync(process.spoolFolder)).toEqual(["r.1.0"]);
  expect(process.catalog.isSpoolFileDone("r.1.0")).toBe(false);
  expect(await keysOf(process)).toEqual([expect.stringMatching(/^requests\//)]);
  expect(world.notified).toEqual(["r"]);
  // the job of its sidecar may come again, and changes nothing
  expect((await process.archive("r")).kind).toBe("done");
  expect((await found(process, "r")).request.state).toBe("parked");

  expect(await process.catalog.retry("r")).toEqual({ stage: "archive", pays: false });
  await process.archive("r");
  expect((await found(process, "r")).request.state).toBe("archived");
  await runArchiveJobs(world, process);
  expect(world.sandbox.bill()).toMatchObject({ paid_calls: 1 });
});
