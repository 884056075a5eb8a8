import { describe, expect, test } from "vitest";
import { dueRun, ON_TIME_MS } from "../../../src/domain/schedule.ts";
import { nextCronTime } from "../../../src/queue/schedule-jobs.ts";
import { openTestCatalog } from "../run/support.ts";

const BERLIN = { cron: "0 1 * * *", tz: "Europe/Berlin" };
const at = (text: string) => Date.parse(text);

function due(dealt: string, now: string, missed: "late" | "skip" = "late") {
  const night = dueRun(
    { processed_until: at(dealt), missed },
    { now: at(now), next: (after) => nextCronTime(BERLIN, after) },
  );
  const show = (ms: number | undefined) => (ms === undefined ? null : new Date(ms).toISOString());
  return [show(night.due), show(night.until)];
}

describe("the night to begin", () => {
  test.each([
    ["none before it is due", "2026-07-01T12:00:00Z", "2026-07-01T22:59:59Z", "late", null, "2026-07-01T12:00:00.000Z"],
    [
      "on the minute",
      "2026-07-01T12:00:00Z",
      "2026-07-01T23:00:00Z",
      "late",
      "2026-07-01T23:00:00.000Z",
      "2026-07-01T23:00:00.000Z",
    ],
    ["not twice", "2026-07-01T23:00:00Z", "2026-07-01T23:00:00Z", "late", null, "2026-07-01T23:00:00.000Z"],
    [
      "missed, late",
      "2026-07-01T12:00:00Z",
      "2026-07-02T08:00:00Z",
      "late",
      "2026-07-01T23:00:00.000Z",
      "2026-07-01T23:00:00.000Z",
    ],
    ["missed, skip", "2026-07-01T12:00:00Z", "2026-07-02T08:00:00Z", "skip", null, "2026-07-01T23:00:00.000Z"],
    [
      "three missed: one, late",
      "2026-07-01T12:00:00Z",
      "2026-07-04T08:00:00Z",
      "late",
      "2026-07-03T23:00:00.000Z",
      "2026-07-03T23:00:00.000Z",
    ],
    [
      "two missed, the third on time",
      "2026-07-01T12:00:00Z",
      "2026-07-03T23:00:05Z",
      "skip",
      "2026-07-03T23:00:00.000Z",
      "2026-07-03T23:00:00.000Z",
    ],
  ] as const)("%s", (_, dealt, now, missed, wanted, until) => {
    expect(due(dealt, now, missed)).toEqual([wanted, until]);
  });

  test("a night is on time up to a limit, and not a moment longer", () => {
    const night = at("2026-07-01T23:00:00Z");
    const late = (ms: number) => due("2026-07-01T12:00:00Z", new Date(night + ms).toISOString(), "skip")[0];
    expect([late(ON_TIME_MS), late(ON_TIME_MS + 1)]).toEqual(["2026-07-01T23:00:00.000Z", null]);
  });

  test.each([
    ["to summer time", "2026-03-27T12:00:00Z", ["2026-03-28T01:30", "2026-03-29T01:30", "2026-03-30T00:30"]],
    ["to winter time", "2026-10-23T12:00:00Z", ["2026-10-24T00:30", "2026-10-25T00:30", "2026-10-26T01:30"]],
  ])("comes once on each day of the change %s, also at an hour that is skipped or comes twice", (_, from, wanted) => {
    const nights: string[] = [];
    for (let now = at(from); nights.length < 3; ) {
      now = nextCronTime({ cron: "30 2 * * *", tz: "Europe/Berlin" }, now) ?? 0;
      nights.push(new Date(now).toISOString().slice(0, 16));
    }
    expect(nights).toEqual(wanted);
  });
});

const SETTING = {
  name: "nightly",
  ...BERLIN,
  manifest: "/m.jsonl",
  format: null,
  collection: null,
  tags: null,
  window: null,
  max_images: null,
  budget: null,
  webhook_url: null,
  strict: false,
  missed: "late" as const,
};

test("of many processes one deals with a night", async () => {
  await using place = await openTestCatalog();
  const all = [place.catalog, place.open(), place.open()];
  await place.catalog.schedules.set(SETTING);
  const night = { due: place.clock.at + 1, until: place.clock.at + 1 };
  const dealt = await Promise.all(all.map((catalog) => catalog.schedules.claimRun("nightly", night)));
  expect(dealt.filter(Boolean)).toHaveLength(1);
  expect(place.catalog.schedules.find("nightly")).toMatchObject({
    last_due_at: night.due,
    processed_until: night.until,
  });
});

test("setting a schedule again with the same times keeps the night that is due, with other times it does not", async () => {
  await using place = await openTestCatalog();
  const { catalog, clock } = place;
  const first = await catalog.schedules.set(SETTING);
  clock.at += 24 * 3_600_000;
  expect(await catalog.schedules.set({ ...SETTING, window: "01:00-06:00" })).toMatchObject({
    processed_until: first.processed_until,
  });
  expect(await catalog.schedules.set({ ...SETTING, cron: "0 2 * * *" })).toMatchObject({ processed_until: clock.at });
});

test("nights of a pause are not made up for", async () => {
  await using place = await openTestCatalog();
  const { catalog, clock } = place;
  await catalog.schedules.set(SETTING);
  await catalog.schedules.pause("nightly", true);
  clock.at += 48 * 3_600_000;
  expect(await catalog.schedules.claimRun("nightly", { due: clock.at, until: clock.at })).toBe(false);
  expect(await catalog.schedules.pause("nightly", false)).toMatchObject({ paused: false, processed_until: clock.at });
});
