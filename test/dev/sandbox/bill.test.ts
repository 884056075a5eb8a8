// The bill: what was called, how it ended, what it cost; and the control address that shows it to other processes.
import { describe, expect, test } from "vitest";
import { generate, openTestSandbox, readError } from "./calls.ts";

describe("the bill", () => {
  test("has a line for each call with recipe, ids and outcome", async () => {
    const sandbox = await openTestSandbox({ now: () => 1_750_000_000_000 });
    const response = await generate(sandbox, { seed: 9, n: 2 }, { headers: { "x-request-id": "mine-1" } });
    await generate(sandbox, { n: 7 });
    const { entries, ...totals } = sandbox.bill();
    expect(entries[0]).toEqual({
      number: 1,
      time: 1_750_000_000_000,
      ended_at: 1_750_000_000_000,
      api_request_id: response.headers.get("x-request-id"),
      client_request_id: "mine-1",
      recipe: {
        model: "Qwen/Qwen-Image",
        prompt: "a red fox",
        negative_prompt: "",
        aspect_ratio: "1:1",
        n: 2,
        seed: 9,
        steps: 20,
        guidance_scale: 2.5,
      },
      seed_given: true,
      response_format: "url",
      outcome: "answered",
      http_status: 200,
      code: null,
      paid: true,
      images: 2,
    });
    expect(entries[1]).toMatchObject({
      number: 2,
      recipe: null,
      outcome: "refused",
      code: "invalid_parameter",
      paid: false,
    });
    expect(totals).toMatchObject({
      calls: 2,
      paid_calls: 1,
      images: 2,
      outcomes: { answered: 1, refused: 1, open: 0 },
    });
  });

  test("charges a call whose caller goes away, and calls it abandoned", async () => {
    // long enough for the caller to be seen waiting, and to go, on a machine that is busy
    const sandbox = await openTestSandbox({ latencyMs: 800 });
    const abort = new AbortController();
    const call = generate(sandbox, {}, { signal: abort.signal }).catch(() => "gone");
    await expect.poll(() => sandbox.bill().outcomes.open).toBe(1);
    abort.abort();
    expect(await call).toBe("gone");
    await expect.poll(() => sandbox.bill().outcomes.abandoned, { timeout: 10_000 }).toBe(1);
    expect(sandbox.bill()).toMatchObject({ paid_calls: 1, images: 1 });
  });

  test("knows how many calls were out at once", async () => {
    const sandbox = await openTestSandbox({ latencyMs: 150 });
    await Promise.all(Array.from({ length: 7 }, () => generate(sandbox)));
    await generate(sandbox);
    expect(sandbox.bill().max_concurrent).toBe(7);
  });

  test("cannot be changed through a copy", async () => {
    const sandbox = await openTestSandbox();
    sandbox.bill().outcomes.answered = 99;
    expect(sandbox.bill().outcomes.answered).toBe(0);
  });
});

describe("the control address", () => {
  const control = (sandbox: { url: string }, init: RequestInit = {}, path = "/sandbox") =>
    fetch(new URL(path, sandbox.url), init);

  test("shows the switches and the sums, and the list apart", async () => {
    const sandbox = await openTestSandbox({ latencyMs: 1 });
    await generate(sandbox);
    expect(await (await control(sandbox)).json()).toMatchObject({
      switches: { latencyMs: 1 },
      bill: { paid_calls: 1 },
    });
    expect(await (await control(sandbox, {}, "/sandbox/bill")).json()).toEqual(sandbox.bill());
  });

  test("sets switches at once", async () => {
    const sandbox = await openTestSandbox();
    const response = await control(sandbox, { method: "PATCH", body: JSON.stringify({ forceStatus: 503 }) });
    expect(await response.json()).toMatchObject({ switches: { forceStatus: 503 } });
    expect((await generate(sandbox)).status).toBe(503);
  });

  test("refuses what does not fit, names it, and changes nothing", async () => {
    const sandbox = await openTestSandbox();
    const body = JSON.stringify({ errorRate: 2, latencyms: 5, balance: 3 });
    const error = await readError(await control(sandbox, { method: "PATCH", body }));
    expect(error.status).toBe(400);
    expect(error.message).toContain("errorRate");
    expect(error.message).toContain("did you mean latencyMs?");
    expect(await (await control(sandbox)).json()).toMatchObject({ switches: { balance: null, errorRate: 0 } });
    expect((await control(sandbox, { method: "PATCH", body: "{" })).status).toBe(400);
  });

  test("starts the bill anew, and a call that was open still ends on it", async () => {
    const sandbox = await openTestSandbox();
    await generate(sandbox);
    sandbox.configure({ latencyMs: 150 });
    const open = generate(sandbox);
    await expect.poll(() => sandbox.bill().outcomes.open).toBe(1);
    expect((await control(sandbox, { method: "DELETE" }, "/sandbox/bill")).status).toBe(200);
    await open;
    expect(sandbox.bill()).toMatchObject({ calls: 1, paid_calls: 1, outcomes: { answered: 1, open: 0 } });
    expect(sandbox.bill().entries.map((entry) => entry.number)).toEqual([2]);
  });

  test("knows no other methods and places", async () => {
    const sandbox = await openTestSandbox();
    expect((await control(sandbox, { method: "DELETE" })).status).toBe(405);
    expect((await control(sandbox, {}, "/sandbox/other")).status).toBe(404);
  });
});
