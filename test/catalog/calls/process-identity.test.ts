// A process is told from another one under the same pid, also where there is no /proc.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, test } from "vitest";
import { inspectProcess, thisProcess } from "../../../src/catalog/calls/process-identity.ts";

const GONE = { there: false };

test.each(["linux", "darwin", "freebsd"] as const)(
  "on %s a process is known by its start, and gone when it has ended",
  async (platform) => {
    const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "ignore" });
    const ended = once(child, "exit");
    const pid = child.pid ?? 0;
    const first = inspectProcess(pid, platform);
    expect(first).toMatchObject({ there: true, started: expect.stringMatching(/\d/) });
    expect(inspectProcess(pid, platform)).toEqual(first);
    // pid 1 began at another time
    expect(inspectProcess(1, platform)).not.toEqual(first);
    child.kill("SIGKILL");
    await ended;
    expect(inspectProcess(pid, platform)).toEqual(GONE);
  },
);

test("where no system program knows the start, a process is there without one", () => {
  expect(inspectProcess(process.pid, "win32")).toEqual({ there: true, started: "" });
  expect(inspectProcess(4_194_304, "win32")).toEqual(GONE);
});

test("this process is the same at every look", () => {
  expect(thisProcess()).toEqual(thisProcess());
  expect(thisProcess()).toMatchObject({ pid: process.pid, pid_started: expect.stringMatching(/^\d+$/) });
});
