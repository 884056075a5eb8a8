import { expect, test } from "vitest";
import { answer, asset } from "../catalog/support.ts";
import { addCall, addFailedCall, addFailedCopy, addRequest, openDesk } from "./requests.ts";

const TODAY = new Date().toISOString().slice(0, 10);

async function openLedger(settings: Record<string, string> = {}) {
  const desk = await openDesk(settings);
  for (const request_id of ["answered", "refused", "unknown", "out"])
    await addRequest(desk, {
      prompt: `a ${request_id} fox`,
      request_id,
      n: 2,
      collection: request_id === "out" ? "b" : "a",
    });
  await addFailedCopy(desk, "answered", Date.now());
  await addFailedCall(desk, "refused", "refused", 2);
  await addFailedCall(desk, "unknown", "unknown", 2);
  await addCall(desk, "out", { n: 2 });
  return desk;
}

test("ledger --json sums calls and money by day and collection", async () => {
  const desk = await openLedger({ PRICE_PER_IMAGE: "0.02 USD" });
  const { code, out } = await desk.run(["ledger", "--json"]);
  const usd = (amount: number) => ({ amount, currency: "USD" });
  const a = {
    calls: { answered: 1, refused: 1, unknown: 1, sent: 0 },
    images: { answered: 1, refused: 2, unknown: 2, sent: 0 },
    spent: usd(0.02),
    at_risk: usd(0.04),
    in_flight: usd(0),
    reused: { requests: 0, images: 0 },
    saved: usd(0),
  };
  const none = { answered: 0, refused: 0, unknown: 0 };
  const b = {
    calls: { ...none, sent: 1 },
    images: { ...none, sent: 2 },
    spent: usd(0),
    at_risk: usd(0),
    in_flight: usd(0.04),
    reused: { requests: 0, images: 0 },
    saved: usd(0),
  };
  expect(JSON.parse(out)).toEqual({
    price_per_image: usd(0.02),
    days: [
      { day: TODAY, collection: "a", ...a },
      { day: TODAY, collection: "b", ...b },
    ],
    total: { ...a, calls: { ...a.calls, sent: 1 }, images: { ...a.images, sent: 2 }, in_flight: usd(0.04) },
  });
  expect(code).toBe(0);
});

test("a call keeps the price of its time, whatever the price is now", async () => {
  const desk = await openLedger({ PRICE_PER_IMAGE: "0.02 USD" });
  const later = { env: { PRICE_PER_IMAGE: "0.05 USD" } };
  const { total, price_per_image } = JSON.parse((await desk.run(["ledger", "--json"], later)).out);
  expect(price_per_image).toEqual({ amount: 0.05, currency: "USD" });
  expect(total).toMatchObject({ spent: { amount: 0.02 }, at_risk: { amount: 0.04 }, in_flight: { amount: 0.04 } });
  expect(total).not.toHaveProperty("unpriced");
  const unknown = JSON.parse((await desk.run(["ledger", "--unknown", "--json"], later)).out);
  expect(unknown.at_risk).toEqual({ amount: 0.04, currency: "USD" });
  const shown = JSON.parse((await desk.run(["status", "answered", "--json"], later)).out);
  expect(shown.calls[0].price).toEqual({ amount: 0.02, currency: "USD" });
  // without a price now the past still has its own
  const { total: unset } = JSON.parse((await desk.run(["ledger", "--json"], { env: { PRICE_PER_IMAGE: "" } })).out);
  expect(unset.spent).toEqual({ amount: 0.02, currency: "USD" });
});

test("calls without a price are valued at the first one that a worker had, and counted", async () => {
  const desk = await openLedger();
  const ledgerAt = async (price: string) =>
    JSON.parse((await desk.run(["ledger", "--json"], { env: { PRICE_PER_IMAGE: price } })).out);
  expect((await ledgerAt("0.02 USD")).total).toMatchObject({
    spent: { amount: 0.02 },
    unpriced: { calls: 3, images: 5 },
  });
  await desk.app.catalog().ledger.keepReferencePrice({ micros: 30_000, currency: "USD" });
  await desk.app.catalog().ledger.keepReferencePrice({ micros: 70_000, currency: "USD" });
  const ledger = await ledgerAt("0.05 USD");
  expect(ledger.total).toMatchObject({ spent: { amount: 0.03 }, at_risk: { amount: 0.06 } });
  expect(ledger.price_of_unpriced).toEqual({ amount: 0.03, currency: "USD" });
});

test("calls in several currencies are never added up", async () => {
  const desk = await openLedger({ PRICE_PER_IMAGE: "0.02 USD" });
  const { total } = JSON.parse((await desk.run(["ledger", "--json"], { env: { PRICE_PER_IMAGE: "1 EUR" } })).out);
  expect(total.spent).toEqual({ amount: 0, currency: "EUR" });
  expect(total.other_currencies).toEqual([
    {
      spent: { amount: 0.02, currency: "USD" },
      at_risk: { amount: 0.04, currency: "USD" },
      in_flight: { amount: 0.04, currency: "USD" },
      saved: { amount: 0, currency: "USD" },
    },
  ]);
});

test("ledger counts what was answered from the catalog, and the money that it saved", async () => {
  const desk = await openDesk({ PRICE_PER_IMAGE: "0.02 USD" });
  const catalog = desk.app.catalog();
  await addRequest(desk, { request_id: "made", prompt: "a fox", seed: 1, n: 2, collection: "a" });
  await catalog.answerCall(await addCall(desk, "made", { n: 2 }), answer([0, 1]));
  for (const index of [0, 1]) await catalog.recordAsset({ request_id: "made", index }, asset(`${index}`));
  await catalog.finish("made", { state: "archived" });
  for (const request_id of ["again", "once-more"]) {
    await addRequest(desk, { request_id, prompt: "a fox", seed: 1, n: 2, collection: "b" });
    await catalog.reuse(request_id);
  }
  const { total, days } = JSON.parse((await desk.run(["ledger", "--json"])).out);
  const reused = { reused: { requests: 2, images: 4 }, saved: { amount: 0.08, currency: "USD" } };
  expect(total).toMatchObject({ images: { answered: 2 }, spent: { amount: 0.04 }, ...reused });
  expect(days).toMatchObject([
    { collection: "a", reused: { requests: 0 } },
    { day: TODAY, collection: "b", calls: { answered: 0 }, ...reused },
  ]);
  expect((await desk.run(["ledger"])).out).toMatch(/^total .* 4 +0\.08 USD$/m);
  const later = await desk.run(["ledger", "--since", "2999-01-01", "--json"]);
  expect(JSON.parse(later.out).total.reused).toEqual({ requests: 0, images: 0 });
});

test("ledger prints a table; without a price it says that there is no money in it", async () => {
  const desk = await openLedger();
  const { out, err } = await desk.run(["ledger"]);
  expect(out).toMatch(new RegExp(`^${TODAY} +a +1 +1 +1 +0 +1 +- +- +- +0 +-$`, "m"));
  expect(out).toMatch(/^total +1 +1 +1 +1 +1/m);
  expect(err).toMatch(/PRICE_PER_IMAGE/);
  const priced = await desk.run(["ledger"], { env: { PRICE_PER_IMAGE: "1 EUR" } });
  expect(priced.out).toMatch(/^total .* 1\.00 EUR +2\.00 EUR +2\.00 EUR +0 +0\.00 EUR$/m);
});

test.each([
  [["--collection", "b"], ["b"]],
  [
    ["--since", TODAY],
    ["a", "b"],
  ],
  [["--until", TODAY], []],
])("ledger %j keeps to its filter", async (flags, collections) => {
  const desk = await openLedger();
  const { out } = await desk.run(["ledger", "--json", ...flags]);
  const { days } = JSON.parse(out) as { days: { collection: string }[] };
  expect(days.map((day) => day.collection)).toEqual(collections);
});

test("ledger --unknown lists what the provider's support needs", async () => {
  const desk = await openLedger({ PRICE_PER_IMAGE: "0.02 USD" });
  const { out } = await desk.run(["ledger", "--unknown", "--json"]);
  expect(JSON.parse(out)).toEqual({
    request_id: "unknown",
    call: 1,
    sent_at: expect.stringMatching(/^\d{4}-.*Z$/),
    ended_at: expect.stringMatching(/^\d{4}-.*Z$/),
    api_request_id: "api-unknown",
    http_status: null,
    error: { code: "call_reset", message: "it was unknown" },
    answer_file: null,
    collection: "a",
    model: "Qwen/Qwen-Image",
    prompt: "a unknown fox",
    negative_prompt: "",
    aspect_ratio: "1:1",
    n: 2,
    seed: 7,
    steps: 20,
    guidance_scale: 2.5,
    at_risk: { amount: 0.04, currency: "USD" },
  });
  const { out: text } = await desk.run(["ledger", "--unknown"]);
  for (const part of ["api-unknown", "0.04 USD at risk", "a unknown fox", "seed 7"]) expect(text).toContain(part);
});

test("a day that is none is wrong use", async () => {
  const desk = await openDesk();
  const { code, err } = await desk.run(["ledger", "--since", "yesterday"]);
  expect(code).toBe(2);
  expect(err).toMatch(/--since: wanted a day/);
});
