// A night's lines: few, and none when nothing moves.
import { expect, test } from "vitest";
import { createActivity } from "../../src/app/activity.ts";
import { NO_REQUESTS } from "../../src/catalog/stats/counts.ts";

function counts(archived: number, failed = 0) {
  const calls = { sent: 0, answered: archived, refused: 0, unknown: 0 };
  return { requests: { ...NO_REQUESTS, archived, failed }, calls, seconds_to_nearest_loss: null };
}

test("nothing is said while nothing moves, whatever was there before", () => {
  const activity = createActivity();
  for (let minute = 0; minute < 1_000; minute++) expect(activity(counts(5_000))).toBeUndefined();
});

test("a night of eight hours is read in a minute, and its lines add up", () => {
  const activity = createActivity();
  const lines = [];
  for (let minute = 0; minute <= 480; minute++) lines.push(activity(counts(minute * 10)));
  for (let minute = 0; minute < 60; minute++) lines.push(activity(counts(4_800)));
  const said = lines.filter((line) => line !== undefined);
  expect(said.length).toBeLessThan(45);
  expect(said.reduce((sum, { fields }) => sum + (fields.archived ?? 0), 0)).toBe(4_800);
  expect(said[0]?.message).toBe("at work: archived 10, calls answered 10");
  expect(lines.findIndex((line) => line !== undefined)).toBe(1);
});

test("the last of it is said within a minute after the end", () => {
  const activity = createActivity();
  for (let minute = 0; minute < 20; minute++) activity(counts(minute));
  const rest = [activity(counts(20)), activity(counts(20)), activity(counts(20))].filter((line) => line !== undefined);
  expect(rest.at(-1)?.message).toMatch(/^nothing more moves: archived \d+/);
  expect(activity(counts(20, 1))?.message).toBe("at work: archived 0, failed 1");
});
