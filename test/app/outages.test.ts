// One line when something goes away and one when it is back, whatever happens in between.
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createOutages, watched } from "../../src/app/outages.ts";
import { ConfigError, RejectedError, TransientError } from "../../src/domain/errors.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function open() {
  const lines: string[] = [];
  const write = (level: string) => (_: object, message: string) => void lines.push(`${level} ${message}`);
  const log = { debug: write("debug"), info: write("info"), warn: write("warn"), error: write("error") };
  return { lines, outages: createOutages({ log, clock: { now: () => Date.now() } }) };
}

test("a thousand failures are one line, and that it works for some seconds another one", () => {
  const { lines, outages } = open();
  for (let time = 0; time < 1_000; time++) outages.failed("redis", "connect ECONNREFUSED");
  expect(outages.list()).toEqual(["redis"]);
  vi.advanceTimersByTime(60_000);
  outages.worked("redis");
  outages.worked("redis");
  expect(lines).toEqual([
    expect.stringMatching(/^warn Redis is away: connect ECONNREFUSED\. Until it is back no jobs/),
  ]);
  vi.advanceTimersByTime(3_000);
  expect(lines.slice(1)).toEqual(["info Redis is back, after 1 min"]);
  outages.worked("redis");
  vi.advanceTimersByTime(10_000);
  expect(lines).toHaveLength(2);
  expect(outages.list()).toEqual([]);
});

test("what works now and then is still away", () => {
  const { lines, outages } = open();
  for (let round = 0; round < 100; round++) {
    outages.failed("store", "503");
    vi.advanceTimersByTime(1_000);
    outages.worked("store");
    vi.advanceTimersByTime(1_000);
  }
  expect(lines).toHaveLength(1);
});

test("what can be read and not written is away until a write works", () => {
  const { lines, outages } = open();
  outages.failed("store", "403", "write");
  outages.worked("store", "read");
  vi.advanceTimersByTime(10_000);
  expect(lines).toHaveLength(1);
  outages.worked("store", "write");
  vi.advanceTimersByTime(10_000);
  expect(lines).toHaveLength(2);
});

test.each([
  [new TransientError("away", { code: "redis_unreachable" }), ["redis"]],
  [new TransientError("503", { code: "store_unreachable" }), ["store"]],
  [new ConfigError("no bucket", { code: "store_bucket_missing" }), ["store"]],
  [new ConfigError("disk full", { code: "catalog_unwritable" }), ["catalog"]],
  [new ConfigError("disk full", { code: "spool_failed" }), ["spool"]],
  [new TransientError("other bytes", { code: "store_mismatch" }), []],
  [new TransientError("refused", { code: "redis_refused_job" }), []],
  [new RejectedError("lost", { code: "spool_lost" }), []],
  [new TransientError("404", { code: "download_gone" }), []],
  [new Error("bug"), []],
])("%s is an outage of %j", (error, away) => {
  const { outages } = open();
  expect(outages.note(error)).toBe(away.length > 0);
  expect(outages.list()).toEqual(away);
});

test("a watched port does what it did, and tells", async () => {
  const { outages } = open();
  const away = new TransientError("503", { code: "store_unreachable" });
  const port = { put: vi.fn(() => Promise.reject(away)), locate: (key: string) => `s3://b/${key}`, kind: "s3" };
  const seen = watched(port, outages, { what: "mirror", writes: (name) => name === "put" });
  await expect(seen.put()).rejects.toBe(away);
  expect([seen.locate("k"), seen.kind, outages.list()]).toEqual(["s3://b/k", "s3", ["mirror"]]);
});

test("what is back when the process ends is said at the end", () => {
  const { lines, outages } = open();
  outages.failed("api", "connection refused");
  outages.failed("redis", "closed");
  outages.worked("api");
  outages.close();
  expect(lines.slice(2)).toEqual([expect.stringMatching(/^info the image API answers again/)]);
});
