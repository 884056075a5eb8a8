import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { ScheduleView } from "../../src/schedule/view.ts";
import { openPlace, type Place, startSandbox, startWorker } from "./support.ts";

let place: Place;

beforeEach(async () => {
  place = await openPlace();
  await writeFile(join(place.folder, "m.jsonl"), '{"prompt":"a"}\n{"prompt":"b"}\n');
});

afterEach(() => place.close());

const SET = ["schedule", "set", "nightly", "--cron", "0 1 * * *", "--tz", "Europe/Berlin", "--manifest", "m.jsonl"];

async function list(): Promise<ScheduleView[]> {
  const { out } = await place.run(["schedule", "list", "--json"]);
  return out
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as ScheduleView);
}

test.each([
  [["--cron", "0 3 * * * *"], "--cron: wanted five fields"],
  [["--cron", "tonight"], "--cron: wanted five fields"],
  [["--cron", "99 1 * * *"], "--cron: wanted five fields"],
  [["--tz", "Mars"], "--tz: wanted"],
  [["--window", "1-6"], "--window: wanted"],
  [["--budget", "20 USD"], "--budget: wanted PRICE_PER_IMAGE"],
  [["--manifest", "-"], "--manifest: wanted"],
  [["--missed", "never"], "late, skip"],
])("schedule set with %j is refused with 2", { timeout: 60_000 }, async (flags, reason) => {
  const { code, err } = await place.run([...SET, ...flags]);
  expect([code, err]).toEqual([2, expect.stringContaining(reason)]);
});

test("a schedule is set, paused, resumed, run at once and removed", { timeout: 120_000 }, async () => {
  const set = await place.run([...SET, "--window", "00:00-24:00", "--json"]);
  expect([set.code, set.err]).toEqual([0, ""]);
  expect((await list())[0]).toMatchObject({ name: "nightly", manifest: join(place.folder, "m.jsonl"), last: null });
  await place.run(["schedule", "pause", "nightly"]);
  expect((await list())[0]).toMatchObject({ paused: true, next: null });
  await place.run(["schedule", "resume", "nightly"]);
  expect((await list())[0]?.next).toMatch(/^\d{4}-/);
  expect((await place.run(["schedule", "run", "nightly"])).code).toBe(0);
  const sandbox = await startSandbox(place, ["--image-scale", "0.02"]);
  await startWorker(place, sandbox.settings);
  let batch = (await list())[0]?.last?.batch;
  while (batch?.state !== "finished") batch = (await list())[0]?.last?.batch;
  expect(batch).toMatchObject({ schedule: "nightly", requests: { archived: 2 } });
  expect((await place.run(["schedule", "remove", "nightly"])).code).toBe(0);
  expect(await list()).toEqual([]);
  expect((await place.run(["schedule", "remove", "nightly"])).code).toBe(1);
});
