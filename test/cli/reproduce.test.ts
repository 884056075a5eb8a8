import { afterAll, beforeAll, expect, test } from "vitest";
import { ESCAPE, openPlace, type Place, startSandbox, startWorker } from "./support.ts";

let place: Place;
let control: URL;
let stopWorker: () => Promise<unknown>;

beforeAll(async () => {
  place = await openPlace({ PRICE_PER_IMAGE: "0.02 USD" });
  const sandbox = await startSandbox(place, ["--image-scale", "0.05"]);
  control = new URL("/sandbox", sandbox.settings.IMAGE_API_BASE_URL);
  const worker = await startWorker(place, sandbox.settings);
  stopWorker = () => worker.end("SIGTERM");
  await place.run(["enqueue", "a red fox", "--n", "2", "--request-id", "fox", "--wait"]);
  await place.run(["enqueue", "a blue fox", "--request-id", "blue", "--wait"]);
});

afterAll(() => place.close());

const reproduce = (...args: string[]) => place.run(["catalog", "reproduce", ...args]);

async function paidImages(): Promise<number> {
  const { bill } = (await (await fetch(control)).json()) as { bill: { images: number } };
  return bill.images;
}

test("one request is asked for again and compared, image by image, at a cost that is told", async () => {
  const { code, out, err } = await reproduce("fox", "--json");
  expect({ code, err }).toEqual({ code: 0, err: "Asking for 2 images by 1 request (0.04 USD)\n" });
  expect(JSON.parse(out)).toEqual({
    request_id: expect.stringMatching(/^fox\.r\d/),
    reproduces: "fox",
    state: "archived",
    error: null,
    proof: {
      outcome: "identical_bytes",
      compared_at: expect.stringMatching(/^\d{4}-/),
      generated_at: expect.stringMatching(/^\d{4}-/),
      original_generated_at: expect.stringMatching(/^\d{4}-/),
      images: [0, 1].map((index) => expect.objectContaining({ index, outcome: "identical_bytes", reason: null })),
    },
  });
});

test("catalog show tells of it on both sides", async () => {
  const original = await place.run(["catalog", "show", "fox", "--json"]);
  const shown = JSON.parse(original.out);
  expect(shown).toMatchObject({ reproduces: null, proof: null, reproductions: [{ outcome: "identical_bytes" }] });
  const id = shown.reproductions[0].request_id;
  const made = JSON.parse((await place.run(["catalog", "show", id, "--json"])).out);
  expect(made).toMatchObject({ reproduces: "fox", proof: { outcome: "identical_bytes" }, reproductions: [] });
  const texts = [await place.run(["catalog", "show", "fox"]), await place.run(["catalog", "show", id])];
  expect(texts[0]?.out).toMatch(new RegExp(`reproduced \\d{4}-\\S+ {2}identical bytes {2}${id}`));
  expect(texts[1]?.out).toContain("(reproduces fox)");
  expect(texts[1]?.out).toMatch(/compared with fox: identical bytes\n {4}image 0 {2}identical bytes/);
});

test("a sample wants a budget, shows what it would cost, and keeps to it", async () => {
  await fetch(control, { method: "PATCH", body: JSON.stringify({ modelChange: "other" }) });
  const before = await paidImages();
  expect(await reproduce("--sample", "5")).toMatchObject({ code: 2, err: expect.stringContaining("wanted --budget") });
  const plan = await reproduce("--sample", "5", "--dry-run", "--json");
  expect(JSON.parse(plan.out)).toEqual({
    requests: [
      expect.objectContaining({ request_id: "fox", n: 2 }),
      expect.objectContaining({ request_id: "blue", n: 1 }),
    ],
    images: 3,
    price: { amount: 0.06, currency: "USD" },
    max_images: null,
  });
  expect(await reproduce("fox", "--budget", "1")).toMatchObject({ code: 2, err: expect.stringContaining("--budget") });
  expect(await paidImages()).toBe(before);
  const { code, out, err } = await reproduce("--sample", "5", "--budget", "0.02 USD");
  expect({ code, err }).toEqual({
    code: 0,
    err: "Asking for 1 image by 1 request (0.02 USD); never for more than 1 images\n",
  });
  expect(out).toMatch(
    /^blue {2}drifted {2}as blue\.r\S+\n {2}image 0 {2}drifted {2}distance \d+ of 64, mean error [\d.]+\n$/,
  );
  expect(await paidImages()).toBe(before + 1);
});

test("the report draws the curve of all proofs without asking for anything", async () => {
  const before = await paidImages();
  const { code, out } = await reproduce("--report");
  expect(code).toBe(0);
  expect(out).toMatch(/^Qwen\/Qwen-Image: 2 originals, 2 proofs; the newest proof of each:$/m);
  expect(out).toMatch(/^ {2}\d{4}-\d{2}-\d{2} +3 +2 +0 +1 +[\d.]+ {2}█{16}░{8}$/m);
  expect(out).toMatch(
    /^ {2}The model changed between \S+Z and \S+Z: what was made before brings other pictures since$/m,
  );
  expect(out).not.toMatch(ESCAPE);
  const { models, proofs } = JSON.parse((await reproduce("--report", "--json")).out);
  expect(models).toMatchObject([
    { originals: 2, curve: [{ identical_bytes: 2, drifted: 1 }], changes: [{ of: "picture" }] },
  ]);
  expect(proofs).toMatchObject([{ reproduces: "fox" }, { reproduces: "blue", outcome: "drifted" }]);
  const none = await reproduce("--report", "--model", "another", "--json");
  expect(JSON.parse(none.out)).toEqual({ models: [], proofs: [] });
  expect(await paidImages()).toBe(before);
});

test("names what cannot be reproduced, and says so where no worker lives instead of waiting", async () => {
  expect(await reproduce("--sample", "501", "--budget", "1")).toMatchObject({
    code: 2,
    err: expect.stringContaining("--sample: wanted at most 500"),
  });
  expect(await reproduce("nobody")).toMatchObject({
    code: 1,
    err: expect.stringContaining("the catalog does not know it"),
  });
  await stopWorker();
  const { code, out, err } = await reproduce("blue");
  expect(code).toBe(1);
  expect(out).toMatch(/^blue {2}queued, not compared {2}as blue\.r/);
  expect(err).toContain("No worker lives");
});
