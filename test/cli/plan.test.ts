import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openPlace, type Place } from "./support.ts";

let place: Place;

// nothing listens there: a plan must not need Redis
const NO_REDIS = "redis://127.0.0.1:1";

beforeAll(async () => {
  place = await openPlace({ PRICE_PER_IMAGE: "0.02 USD", GENERATE_RATE_LIMIT: "1/s", REDIS_URL: NO_REDIS });
  await writeFile(join(place.folder, "night.csv"), "prompt,n\na fox,2\na heron,\na fox,2\n");
  await writeFile(join(place.folder, "wrong.csv"), "prompt,steps\na fox,20\na heron,99\n\u001b[31mx,0\n");
});

afterAll(() => place.close());

describe("plan", () => {
  test("says as JSON what a run would do", async () => {
    const limits = ["--window", "01:00-06:00", "--tz", "UTC", "--budget", "0.05 USD", "--max-images", "3"];
    const { code, out, err } = await place.run(["plan", "night.csv", "--json", ...limits]);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(JSON.parse(out)).toMatchObject({
      manifest: "night.csv",
      items: 3,
      duplicates: 1,
      new: 2,
      reused: 0,
      recipes: 2,
      calls: 2,
      images: 3,
      price: { amount: 0.06, currency: "USD" },
      window: { hours: "01:00-06:00", tz: "UTC", nights: 1, fits: true },
      budget: { amount: 0.05, currency: "USD", fits: false },
      max_images: { images: 3, fits: true },
      fits: false,
      fault_count: 0,
      faults: [],
    });
  });

  test("says it as text", async () => {
    const { code, out } = await place.run(["plan", "night.csv", "--budget", "1 USD"]);
    expect(code).toBe(0);
    expect(out).toContain("night.csv: 3 items, 2 recipes");
    expect(out).toContain("To be made: 3 images by 2 calls");
    expect(out).toMatch(/price +0\.06 USD/);
    expect(out).toMatch(/budget +fits 1\.00 USD/);
  });

  test("reads standard input", async () => {
    const { code, out } = await place.run(["plan", "-", "--json"], { input: '{"prompt":"a fox","seeds":5}\n' });
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ manifest: "standard input", items: 5, new: 5 });
  });

  test("tells every fault as file:line: field, and ends with 1", async () => {
    const { code, err } = await place.run(["plan", "wrong.csv"]);
    expect(code).toBe(1);
    expect(err.split("\n")).toEqual([
      "wrong.csv:3: steps: wanted at most 50, got 99",
      "wrong.csv:4: steps: wanted at least 1, got 0",
      "2 faults: a run would enqueue nothing",
      "",
    ]);
  });

  test("goes on without what is wrong where it is told to", async () => {
    const { code, out } = await place.run(["plan", "wrong.csv", "--skip-invalid", "--json"]);
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ items: 1, new: 1, fault_count: 2 });
  });

  test.each([
    [["none.csv"], "there is no such file"],
    [["night.csv", "--window", "1-2"], "--window: wanted"],
    [["night.csv", "--budget", "20 EUR"], "--budget: wanted USD"],
    [["night.csv", "--format", "xml"], "Allowed choices are jsonl, csv, yaml, json, txt"],
  ])("ends with 2 on %j", async (args, reason) => {
    const { code, err } = await place.run(["plan", ...args]);
    expect({ code, err }).toMatchObject({ code: 2, err: expect.stringContaining(reason) });
  });

  test("changes nothing but for the catalog's own tables", async () => {
    const { out } = await place.run(["catalog", "list", "--json"]);
    expect(out).toBe("");
    const files = await readdir(place.folder);
    expect(files.filter((name) => !name.startsWith("catalog.db"))).toEqual(["night.csv", "wrong.csv"]);
    expect(await readFile(join(place.folder, "night.csv"), "utf8")).toMatch(/^prompt/);
  });
});
