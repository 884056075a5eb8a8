import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openPlace, type Place } from "./support.ts";

let place: Place;

beforeEach(async () => {
  place = await openPlace();
});

afterEach(() => place.close());

// three of different kinds, and one secret that must not be shown
const FAULTY = {
  REDIS_URL: "http://:pass-word@somewhere",
  IMAGE_MAX_BYTES: "lots",
  GENERATE_CONCURRENCY: "0",
  STORAGE_URL: "ftp://host/path",
};

describe("settings that do not fit", () => {
  test.each([
    [["worker"]],
    [["demo"]],
    [["enqueue", "a fox"]],
    [["status"]],
    [["wait", "r-1"]],
    [["catalog", "list"]],
    [["catalog", "show", "r-1"]],
    [["catalog", "export"]],
    [["migrate"]],
    [["doctor"]],
  ])("stop %j with 2, all of them named, before anything is made", async (args) => {
    const { code, out, err } = await place.run(args, { env: FAULTY });
    expect(code).toBe(2);
    expect(out).toBe("");
    for (const name of Object.keys(FAULTY)) expect(err).toContain(`${name}: wanted`);
    expect(err).not.toContain("pass-word");
    expect(await readdir(place.folder)).toEqual([]);
  });

  test("are read from .env, and the environment wins over it", async () => {
    await writeFile(join(place.folder, ".env"), "CATALOG_URL=file:./from-env-file.db\nGENERATE_ATTEMPTS=none\n");
    expect((await place.run(["migrate"])).err).toContain("GENERATE_ATTEMPTS: wanted");
    const { out } = await place.run(["migrate", "--json"], { env: { GENERATE_ATTEMPTS: "3" } });
    expect(JSON.parse(out)).toMatchObject({ catalog: "./catalog.db" });
  });

  test("are read from a .env with a byte order mark, its first line too", async () => {
    await writeFile(join(place.folder, ".env"), "\ufeffGENERATE_ATTEMPTS=none\r\nPORT=high\r\n");
    const { code, err } = await place.run(["worker"], { env: { HTTP_PROXY: "proxy" } });
    expect(code).toBe(2);
    for (const name of ["GENERATE_ATTEMPTS", "PORT", "HTTP_PROXY"]) expect(err).toContain(`${name}: wanted`);
    expect(err).not.toMatch(/^\s+at /m);
  });

  test("are one JSON document with --json", async () => {
    const { err } = await place.run(["status", "--json"], { env: { PORT: "high", LOG_LEVEL: "loud" } });
    const { error } = JSON.parse(err) as { error: { code: string; faults: { field: string }[] } };
    expect(error.code).toBe("invalid_settings");
    expect(error.faults.map(({ field }) => field).sort()).toEqual(["LOG_LEVEL", "PORT"]);
  });
});

describe("worker", () => {
  test("without a key refuses to start with 2, and says how to get one and that the sandbox exists", async () => {
    const { code, err } = await place.run(["worker"]);
    expect(code).toBe(2);
    expect(err).toContain("IMAGE_API_KEY");
    expect(err).toContain("asset-archiver sandbox");
  });

  test.each(["SIGTERM", "SIGINT"] as const)(
    "ends with 0 on %s, at once when it has nothing in hand",
    async (signal) => {
      const worker = place.start(["worker"], { env: { IMAGE_API_KEY: "any", SHUTDOWN_GRACE: "60s" } });
      await worker.line(/worker is ready/);
      const begun = Date.now();
      const { code, out } = await worker.end(signal);
      expect(code).toBe(0);
      expect(out).toBe("");
      // far below the grace: nothing waits for its end
      expect(Date.now() - begun).toBeLessThan(30_000);
    },
  );
});

describe("a name that there is not", () => {
  test.each([
    [["wroker"], "worker"],
    [["catalog", "exprt"], "export"],
    [["catalog", "list", "--colection", "x"], "--collection"],
    [["enqueue", "x", "--sed", "1"], "--seed"],
    [["sandbox", "--latncy", "1s"], "--latency"],
    [["demo", "--exot"], "--exit"],
  ])("%j ends with 2 and offers %s", async (args, meant) => {
    const { code, out, err } = await place.run(args);
    expect(code).toBe(2);
    expect(out).toBe("");
    expect(err).toContain(`Did you mean ${meant}?`);
  });

  test.each([[["wait"]], [["catalog", "show"]], [["status", "a", "b"]], [["catalog"]], [[]]])(
    "%j is wrong use: 2",
    async (args) => {
      const { code, out, err } = await place.run(args);
      expect(code).toBe(2);
      expect(out).toBe("");
      expect(err).not.toBe("");
    },
  );
});
