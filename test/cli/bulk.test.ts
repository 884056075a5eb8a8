import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { BatchReport } from "../../src/output/report/batch-report.ts";
import type { BatchView } from "../../src/output/report/batch-view.ts";
import { openPlace, type Place, type Running, startSandbox, startWorker } from "./support.ts";

let place: Place;
let sandbox: Running & { settings: Record<string, string> };

beforeEach(async () => {
  place = await openPlace({ PRICE_PER_IMAGE: "0.02 USD" });
});

afterEach(() => place.close());

async function open(flags: string[] = []): Promise<void> {
  sandbox = await startSandbox(place, ["--image-scale", "0.02", ...flags]);
}

function work(env: Record<string, string> = {}): Promise<Running> {
  return startWorker(place, { ...sandbox.settings, ...env });
}

interface Bill {
  calls: number;
  images: number;
  paid_calls: number;
}

async function bill(): Promise<Bill> {
  const origin = new URL(sandbox.settings.IMAGE_API_BASE_URL ?? "").origin;
  return (await (await fetch(`${origin}/sandbox/bill`)).json()) as Bill;
}

async function manifest(items: readonly object[], name = "night.jsonl"): Promise<string> {
  await writeFile(join(place.folder, name), items.map((item) => `${JSON.stringify(item)}\n`).join(""));
  return name;
}

function many(count: number, fields: (index: number) => object = () => ({})): object[] {
  return Array.from({ length: count }, (_, index) => ({ prompt: `picture ${index}`, ...fields(index) }));
}

async function bulk(
  args: string[],
  env: Record<string, string> = {},
): Promise<{ code: number | null; view: BatchView; err: string }> {
  const { code, out, err } = await place.run(["bulk", ...args, "--json"], { env });
  return { code, err, view: out === "" ? ({} as BatchView) : (JSON.parse(out) as BatchView) };
}

async function look(batch: string): Promise<BatchView> {
  return JSON.parse((await place.run(["status", "--batch", batch, "--json"])).out) as BatchView;
}

/** Looks until `found` is true of a batch. */
async function until(batch: string, found: (view: BatchView) => boolean): Promise<BatchView> {
  for (;;) {
    const view = await look(batch);
    if (found(view)) return view;
  }
}

test("every fault is told by file, line and field, and nothing is enqueued", async () => {
  await writeFile(join(place.folder, "bad.jsonl"), '{"prompt":"a","steps":99}\n{"prompt":"b"}\n{"promt":"c"}\n');
  const { code, err } = await place.run(["bulk", "bad.jsonl"]);
  expect(code).toBe(1);
  expect(err).toContain("bad.jsonl:1: steps: wanted at most 50, got 99");
  expect(err).toContain("bad.jsonl:3: promt: unknown field, did you mean prompt?");
  expect((await place.run(["bulk", "--list", "--json"])).out).toBe("");
  const { view } = await bulk(["bad.jsonl", "--skip-invalid"]);
  expect(view.items).toMatchObject({ total: 3, accepted: 1, invalid: 2 });
});

test.each([
  [[], "wanted a manifest"],
  [["m.jsonl", "--window", "tonight"], "--window: wanted"],
  [["m.jsonl", "--window", "01:00-06:00", "--tz", "Mars"], "--tz: wanted"],
  [["m.jsonl", "--budget", "20 EUR"], "--budget: wanted USD"],
  [["m.jsonl", "--max-images", "many"], "--max-images: wanted"],
  [["m.jsonl", "--webhook-url", "ftp://x"], "--webhook-url: wanted"],
  [["absent.jsonl"], "there is no such file"],
])("bulk %j is refused with 2", async (args, reason) => {
  const { code, err } = await place.run(["bulk", ...args]);
  expect([code, err]).toEqual([2, expect.stringContaining(reason)]);
});

test("a manifest is archived and reported, and made again nothing is called for", { timeout: 60_000 }, async () => {
  await open();
  const name = await manifest([...many(6, () => ({ n: 2, tags: ["x"] })), { prompt: "picture 0", n: 2, tags: ["x"] }]);
  await work();
  const first = await bulk([name, "--wait"]);
  expect(first.code).toBe(0);
  expect(first.view).toMatchObject({
    state: "finished",
    items: { total: 7, accepted: 6, duplicates: 1 },
    requests: { archived: 6 },
  });
  expect(first.view.budget.committed).toEqual({ amount: 0.24, currency: "USD" });
  const folder = join(place.folder, "archive", "reports", first.view.batch);
  const report = JSON.parse(await readFile(join(folder, "report.json"), "utf8")) as BatchReport;
  const money = { spent: { amount: 0.24, currency: "USD" }, price_per_kept_image: { amount: 0.02, currency: "USD" } };
  expect(report).toMatchObject({ state: "finished", images: 12, ...money });
  const html = await readFile(join(folder, "report.html"), "utf8");
  expect(html.match(/data:image\/webp/g)).toHaveLength(12);
  expect(html).not.toMatch(/<script|https?:\/\//);
  const again = await bulk([name, "--wait"]);
  expect([again.code, again.view.items.existing, again.view.items.accepted]).toEqual([0, 6, 0]);
  expect(await bill()).toMatchObject({ calls: 6, images: 12 });
  // a perfect second run says so, and shows what there is
  expect(again.view.archived).toEqual({ items: 6, of: 6, from_before: 6 });
  const second = join(place.folder, "archive", "reports", again.view.batch);
  const page = await readFile(join(second, "report.html"), "utf8");
  expect(page).toContain("6 of 6 (6 from before)");
  expect(page.match(/data:image\/webp/g)).toHaveLength(12);
  expect(await readFile(join(second, "report.md"), "utf8")).toContain("6 of 6 (6 from before)");
  expect((await place.run(["report", again.view.batch, "--output", "r.html"])).code).toBe(0);
  const written = await readFile(join(place.folder, "r.html"), "utf8");
  expect(written.match(/data:image\/webp/g)).toHaveLength(12);
  expect(written).toContain('<a href="file:///');
  expect((await place.run(["bulk", "--list"])).out).toContain("archived 6 of 6 (6 from before)");
  expect((await place.run(["status", "--batch", again.view.batch])).out).toContain("6 of 6 (6 from before)");
  const listed = (await place.run(["catalog", "list", "--batch", again.view.batch, "--json"])).out.trim().split("\n");
  expect(listed.map((line) => (JSON.parse(line) as { prompt: string }).prompt)).toEqual(
    Array.from({ length: 6 }, (_, index) => `picture ${index}`),
  );
});

test("from standard input, with failures: exit 1, ids in the report, and retry brings them back", {
  timeout: 60_000,
}, async () => {
  await open();
  await work();
  const lines = [{ prompt: "good" }, { prompt: "[reject] bad", request_id: "bad-1" }];
  const input = lines.map((line) => JSON.stringify(line)).join("\n");
  const { code, out } = await place.run(["bulk", "-", "--name", "My Night", "--collection", "c", "--wait", "--json"], {
    input,
  });
  const view = JSON.parse(out) as BatchView;
  expect([code, view.requests.archived, view.requests.failed]).toEqual([1, 1, 1]);
  expect(view.batch).toMatch(/^My-Night-\d{8}-[0-9a-f]{4}$/);
  const markdown = await readFile(join(place.folder, "archive", "reports", view.batch, "report.md"), "utf8");
  expect(markdown).toContain("bad-1");
  // a refusal by policy is not cured by a retry
  expect(markdown).toContain("line 2: \\[reject\\] bad");
  expect(markdown).toContain("change it in the manifest");
  expect(markdown).not.toContain("asset-archiver retry");
  const shown = (await place.run(["status", "--batch", view.batch])).out;
  expect(shown).toContain("line 2: [reject] bad  bad-1");
  expect(shown).toContain("what to do: the image API refuses the prompt");
  const retried = await place.run(["retry", "--batch", view.batch, "--failed", "--json"]);
  expect(JSON.parse(retried.out)).toEqual({ batch: view.batch, retried: 1, pays: 1 });
  const waited = await place.run(["wait", "--batch", view.batch, "--json"]);
  expect(waited.code).toBe(1);
  const export_ = await place.run(["catalog", "export"]);
  expect(export_.out).toContain('"collection":"c"');
  expect(await bill()).toMatchObject({ calls: 3 });
});

test("two workers never go over the budget, whatever becomes of calls; a higher one lets the rest go on", {
  timeout: 120_000,
}, async () => {
  await open(["--error-rate", "0.3", "--reset-rate", "0.1", "--latency", "20ms"]);
  const name = await manifest(many(24, (index) => ({ n: (index % 3) + 1 })));
  await Promise.all([work(), work()]);
  const held = await bulk([name, "--budget", "0.20 USD", "--wait"]);
  expect([held.code, held.view.state, held.view.held_reason]).toEqual([1, "held", "budget"]);
  const paid = await bill();
  expect(paid.images).toBeLessThanOrEqual(10);
  expect(paid.images).toBeGreaterThan(6);
  const rest = await bulk(["--resume", held.view.batch, "--max-images", "200", "--wait"]);
  const { archived, failed, parked } = rest.view.requests;
  expect([rest.view.state, archived + failed + parked]).toEqual(["finished", 24]);
  expect((await bill()).images).toBe(rest.view.budget.committed_images);
});

test("a bulk that is killed in the middle and started again enqueues and pays nothing twice", {
  timeout: 120_000,
}, async () => {
  await open();
  const name = await manifest(many(6_000));
  const killed = place.start(["bulk", name]);
  const seen = async () =>
    (JSON.parse((await place.run(["status", "--json"])).out) as { requests: { queued: number } }).requests.queued;
  while ((await seen()) === 0 && killed.child.exitCode === null);
  await killed.end("SIGKILL");
  const { view, code } = await bulk([name]);
  expect([code, view.items.total, view.requests.queued]).toEqual([0, 6_000, 6_000]);
  expect(JSON.parse((await place.run(["status", "--json"])).out)).toMatchObject({ generate: { waiting: 6_000 } });
  expect((await place.run(["bulk", "--list", "--json"])).out.trim().split("\n")).toHaveLength(1);
});

test("a batch is said to be finished once, also by two workers", { timeout: 60_000 }, async () => {
  await open();
  const workers = await Promise.all([work(), work()]);
  const { view } = await bulk([await manifest(many(20))]);
  await until(view.batch, ({ reported_at }) => reported_at !== null);
  const logs = await Promise.all(workers.map((worker) => worker.end()));
  const said = logs
    .flatMap(({ out, err }) => `${out}${err}`.split("\n"))
    .filter((line) => line.includes("has come to rest"));
  expect(said).toHaveLength(1);
  expect((await bill()).calls).toBe(20);
});

test("a single request overtakes a batch", { timeout: 60_000 }, async () => {
  await open(["--latency", "300ms"]);
  const { view } = await bulk([await manifest(many(60))]);
  await work({ GENERATE_CONCURRENCY: "1" });
  expect((await place.run(["enqueue", "me first", "--wait"])).code).toBe(0);
  expect((await look(view.batch)).requests.queued).toBeGreaterThan(20);
});

test("a batch outside of its window calls nothing, and cancelling lets it go", { timeout: 60_000 }, async () => {
  await open();
  await work();
  const hour = new Date().getUTCHours();
  const window = `${(hour + 2) % 24}:00-${(hour + 3) % 24}:00`;
  const { view } = await bulk([await manifest(many(5)), "--window", window, "--tz", "UTC"]);
  expect([view.state, view.held_reason]).toEqual(["held", "window"]);
  expect((await place.run(["enqueue", "alone", "--wait"])).code).toBe(0);
  const cancelled = await place.run(["cancel", "--batch", view.batch, "--json"]);
  expect(JSON.parse(cancelled.out)).toEqual({ batch: view.batch, cancelled: true, items: 5 });
  expect(await look(view.batch)).toMatchObject({ state: "cancelled", requests: { cancelled: 5 } });
  expect(await bill()).toMatchObject({ calls: 1 });
});

test("a paused batch lets go of its jobs and takes them up again", { timeout: 60_000 }, async () => {
  await open(["--latency", "2s"]);
  await work({ GENERATE_CONCURRENCY: "1" });
  const { view } = await bulk([await manifest(many(30))]);
  await until(view.batch, ({ requests }) => requests.archived > 0);
  await place.run(["bulk", "--pause", view.batch]);
  const paused = await place.run(["wait", "--batch", view.batch, "--json"]);
  expect([paused.code, JSON.parse(paused.out)]).toMatchObject([1, { held_reason: "paused" }]);
  const control = new URL("/sandbox", sandbox.settings.IMAGE_API_BASE_URL ?? "");
  await fetch(control, { method: "PATCH", body: JSON.stringify({ latencyMs: 0 }) });
  expect((await bulk(["--resume", view.batch, "--wait"])).view.requests.archived).toBe(30);
  expect((await bill()).calls).toBe(30);
});

test("a hundred thousand lines pass through a heap of 64 MB", { timeout: 600_000 }, async () => {
  const name = await manifest(many(100_000));
  const { code, view } = await bulk([name], { NODE_OPTIONS: "--max-old-space-size=64" });
  expect([code, view.requests.queued]).toEqual([0, 100_000]);
});
