// A kill between every pair of steps: the next process goes on from the record, and nothing is paid twice.
import { existsSync, readdirSync } from "node:fs";
import { expect, test } from "vitest";
import { ARCHIVE_STEPS } from "../../src/pipeline/archive.ts";
import { GENERATE_STEPS } from "../../src/pipeline/generate.ts";
import {
  declareDead,
  found,
  keysOf,
  killAt,
  openWorld,
  runArchiveJobs,
  startProcess,
  type World,
  work,
} from "./world.ts";

const COPY_STEPS = ["download", "verify", "put", "record"];
const FIRST_STAGE = [...GENERATE_STEPS.map((step) => step.name), "spool"];
const SECOND_STAGE = [...ARCHIVE_STEPS.map((step) => step.name), ...COPY_STEPS];

const URLS = { request_id: "r", prompt: "a red fox", response_format: "url" } as const;
const BYTES = { ...URLS, response_format: "b64_json" } as const;

/** One image, one sidecar, nothing left behind, and a record that says so. */
async function expectArchived(world: World): Promise<void> {
  const process = await startProcess(world);
  const { request, images, assets } = await found(process, "r");
  expect(request).toMatchObject({ state: "archived", error: null });
  expect(images).toMatchObject([{ index: 0, digest: assets[0]?.digest }]);
  expect(await keysOf(process)).toEqual([assets[0]?.key, expect.stringMatching(/^requests\/.*\/r\.json$/)]);
  expect(process.catalog.counts().requests.archived).toBe(1);
}

/** What the sweep of the next worker would leave in the spool. */
async function spooled(world: World): Promise<string[]> {
  const { catalog, spoolFolder } = await startProcess(world);
  if (!existsSync(spoolFolder)) return [];
  return readdirSync(spoolFolder).filter((name) => !catalog.isSpoolFileDone(name));
}

test("a request passes the steps in the order in which they are reported", async () => {
  const world = await openWorld();
  const seen: string[] = [];
  const process = await startProcess(world, { onStep: (step) => void seen.push(step) });
  await work(world, process, URLS);
  expect(seen).toEqual([
    ...["accept", "recover", "reuse", "hold", "permit", "reserve", "call", "spool", "record_answer", "hand_over"],
    ...["load", "download", "verify", "put", "record", "copy", "sidecar", "finish", "notify", "clean_up"],
  ]);
  expect(new Set(seen)).toEqual(new Set([...FIRST_STAGE, ...SECOND_STAGE]));
  await expectArchived(world);
});

/** Between these two nobody can know whether the API has heard of the call: the one open window. */
const UNKNOWN_AT = ["reserve", "call", "spool"];

test.each([URLS, BYTES].flatMap((data) => FIRST_STAGE.map((step) => [step, data.response_format, data] as const)))(
  "killed after %s (%s) the request is archived all the same, with one paid call or one of unknown outcome",
  async (step, _, data) => {
    const world = await openWorld();
    const { onStep, reached } = killAt(step);
    const dying = await startProcess(world, { onStep });
    void dying.generate(data);
    await reached;
    declareDead(world, dying);
    const next = await startProcess(world);
    await work(world, next, data);
    await expectArchived(world);
    const { calls } = await found(next, "r");
    const bill = world.sandbox.bill();
    const unknown = UNKNOWN_AT.includes(step);
    expect(calls.map((call) => call.state)).toEqual(unknown ? ["unknown", "answered"] : ["answered"]);
    expect(bill.paid_calls).toBe(step === "call" || step === "spool" ? 2 : 1);
    expect(new Set(bill.entries.map((entry) => entry.recipe?.seed)).size).toBe(1);
    expect(await spooled(world)).toEqual([]);
  },
);

test.each([URLS, BYTES].flatMap((data) => SECOND_STAGE.map((step) => [step, data.response_format, data] as const)))(
  "killed after %s (%s) the copy is made again at no cost",
  async (step, _, data) => {
    const world = await openWorld();
    const { onStep, reached } = killAt(step);
    const dying = await startProcess(world, { onStep });
    await dying.generate(data);
    void dying.archive("r");
    await reached;
    declareDead(world, dying);
    await runArchiveJobs(world, await startProcess(world));
    await expectArchived(world);
    expect(world.sandbox.bill()).toMatchObject({ calls: 1, paid_calls: 1 });
    expect(await spooled(world)).toEqual([]);
  },
);

test("killed in every call, a request is not called without end: it is parked at the limit", async () => {
  const world = await openWorld({ settings: { attempts: 100 } });
  let calls = 0;
  for (;;) {
    const { onStep, reached } = killAt("reserve");
    const dying = await startProcess(world, { onStep });
    const outcome = await Promise.race([dying.generate(URLS), reached]);
    if (outcome !== undefined) {
      expect(outcome.kind).toBe("parked");
      break;
    }
    calls += 1;
    declareDead(world, dying);
    // as a worker that starts does
    await (await startProcess(world)).catalog.settleAllDeadCalls();
  }
  expect(calls).toBe(2);
});

test.each(["by the worker that starts", "by the job itself"])(
  "with the policy park a call whose worker died is not made again, found %s",
  async (how) => {
    const world = await openWorld({ settings: { unknownCallPolicy: "park" } });
    const { onStep, reached } = killAt("call");
    const dying = await startProcess(world, { onStep });
    void dying.generate(URLS);
    await reached;
    declareDead(world, dying);
    const next = await startProcess(world);
    if (how === "by the worker that starts") expect(await next.catalog.settleAllDeadCalls()).toBe(1);
    expect(await next.generate(URLS)).toMatchObject({ kind: "parked" });
    expect((await found(next, "r")).request.state).toBe("parked");
    expect(world.sandbox.bill().calls).toBe(1);
  },
);

test("a parked request that a person sends back is called again, also when the first try does not leave", async () => {
  const world = await openWorld({ settings: { unknownCallPolicy: "park" } });
  const { onStep, reached } = killAt("reserve");
  const dying = await startProcess(world, { onStep });
  void dying.generate(URLS);
  await reached;
  declareDead(world, dying);
  const next = await startProcess(world);
  await next.generate(URLS);
  expect(await next.catalog.retry("r")).toEqual({ stage: "generate", pays: true });
  const call = await next.catalog.reserveCall("r", { n: 1, seed: 1 });
  if (call.kind === "reserved") await next.catalog.withdrawCall(call.call, { spend: false });
  await work(world, next, URLS);
  await expectArchived(world);
});

test("a call that is out in a living worker is left alone", async () => {
  const world = await openWorld();
  const { onStep, reached } = killAt("reserve");
  void (await startProcess(world, { onStep })).generate(URLS);
  await reached;
  const other = await startProcess(world);
  expect(await other.generate(URLS)).toMatchObject({ kind: "wait", scope: "request" });
  expect((await found(other, "r")).calls).toMatchObject([{ state: "sent" }]);
  expect(world.sandbox.bill().calls).toBe(0);
});
