import { expect, test } from "vitest";
import { runInTime, type TimedCheck } from "../../src/cli/doctor/deadline.ts";

const signal = new AbortController().signal;
const check = (run: TimedCheck["run"]): TimedCheck => ({ subject: "store", setting: "STORAGE_URL", run });

test("a check that gets no answer becomes a problem of its setting, and is aborted", async () => {
  let aborted = false;
  const hangs = check((inTime) => {
    inTime.addEventListener("abort", () => {
      aborted = true;
    });
    return new Promise(() => undefined);
  });
  const { findings, late } = await runInTime(hangs, { signal, timeoutMs: 50 });
  expect(late).toBe(true);
  expect(aborted).toBe(true);
  expect(findings).toMatchObject([
    { subject: "store", level: "problem", setting: "STORAGE_URL", message: "gave no answer within 0.05 s" },
  ]);
});

test("one that answers in time is passed on, and so is what it throws", async () => {
  expect(
    await runInTime(
      check(async () => []),
      { signal },
    ),
  ).toEqual({ findings: [], late: false });
  await expect(
    runInTime(
      check(() => Promise.reject(new Error("a bug"))),
      { signal },
    ),
  ).rejects.toThrow("a bug");
});
