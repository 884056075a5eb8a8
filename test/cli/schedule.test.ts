import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { ScheduleView } from "../../src/batches/schedule/view.ts";
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
  [["--manifest", "https://me:secret@m.test/a.csv"], "--manifest: wanted an address without user and password"],
  [["--manifest", "s3://key:secret@bucket/a.csv"], "--manifest: wanted an address without user and password"],
  [["--webhook-url", "https://me:secret@hooks.test/x"], "--webhook-url: wanted a URL without user and password"],
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

test("schedule set changes only what is named, says what, and plans", { timeout: 120_000 }, async () => {
  const env = { PRICE_PER_IMAGE: "0.02 USD" };
  const first = [...SET, "--window", "01:00-06:00", "--budget", "20 USD", "--collection", "night", "--max-images", "9"];
  const more = ["--tag", "x", "--webhook-url", "https://hooks.test/secret", "--missed", "skip", "--strict"];
  expect((await place.run([...first, ...more], { env })).code).toBe(0);
  const before = (await list())[0];
  const raised = await place.run(["schedule", "set", "nightly", "--budget", "30 USD"], { env });
  expect([raised.code, raised.out]).toEqual([0, expect.stringContaining("budget: 20 USD → 30 USD")]);
  expect(raised.out).toContain("To be made: 2 images by 2 calls");
  expect((await list())[0]).toEqual({ ...before, budget: { amount: 30, currency: "USD" } });
  const flags = ["tz", "format", "collection", "tag", "window", "budget", "max-images", "webhook-url", "missed"];
  const lifted = await place.run(["schedule", "set", "nightly", ...flags.flatMap((flag) => [`--${flag}`, "none"])], {
    env: { TZ: "Asia/Tokyo" },
  });
  expect([lifted.code, lifted.err]).toEqual([0, ""]);
  expect((await list())[0]).toMatchObject({
    ...{ tz: "Asia/Tokyo", format: null, collection: null, tags: [], window: null, budget: null, max_images: null },
    ...{ webhook: null, missed: "late", strict: true, cron: "0 1 * * *" },
  });
  const json = await place.run(["schedule", "set", "nightly", "--no-strict", "--cron", "0 2 * * *", "--json"]);
  expect(JSON.parse(json.out)).toMatchObject({
    changes: [
      { field: "cron", from: "0 1 * * *", to: "0 2 * * *" },
      { field: "strict", from: true, to: false },
    ],
    plan: { items: 2, new: 2, fault_count: 0 },
  });
});

test("a manifest that is missing or wrong is found when the schedule is set, and by doctor", {
  timeout: 120_000,
}, async () => {
  const absent = await place.run([...SET, "--manifest", "absent.jsonl"]);
  expect([absent.code, absent.err]).toEqual([2, expect.stringContaining("there is no such file")]);
  expect(await list()).toEqual([]);
  expect((await place.run(["schedule", "set", "nightly", "--budget", "none"])).err).toContain("--cron: required");
  await writeFile(join(place.folder, "bad.jsonl"), '{"prompt":"a"}\n{"promt":"b"}\n');
  const bad = await place.run([...SET, "--manifest", "bad.jsonl"]);
  expect([bad.code, bad.err]).toEqual([1, expect.stringContaining("bad.jsonl:2: promt: unknown field")]);
  const strict = await place.run([...SET, "--manifest", "bad.jsonl", "--strict"]);
  expect([strict.code, strict.err]).toEqual([1, expect.stringContaining("is not set")]);
  expect((await list())[0]?.strict).toBe(false);
  expect((await place.run(["doctor"])).out).toMatch(/warning .*schedule +nightly: .*bad\.jsonl has \d faults/);
  const later = await place.run(["schedule", "set", "nightly", "--manifest", "absent.jsonl", "--no-check"]);
  expect(later.code).toBe(0);
  expect((await place.run(["doctor"])).out).toMatch(
    /problem .*schedule +nightly: the next run cannot read its manifest/,
  );
});
