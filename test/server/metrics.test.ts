// The metrics are what docs/metrics.md says, and true.
import { readFile } from "node:fs/promises";
import Sqlite from "better-sqlite3";
import { expect, onTestFinished, test } from "vitest";
import { multiplyRow } from "../catalog/support.ts";
import { openBusyServed, openServed, type Served } from "./support.ts";

interface Metric {
  kind: string;
  labels: Set<string>;
}

async function scrape({ ask }: Pick<Served, "ask">): Promise<string> {
  const answer = await ask("/metrics");
  expect(answer.headers.get("content-type")).toMatch(/^text\/plain/);
  return answer.text();
}

/** The metrics in a scrape; those of prom-client itself left out. */
function metricsIn(text: string): Map<string, Metric> {
  const kinds = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].filter(
    ([, name]) => !/^(process|nodejs)_/.test(name ?? ""),
  );
  return new Map(
    kinds.map(([, name = "", kind = ""]) => {
      const samples = text.matchAll(new RegExp(`^${name}(?:_bucket|_sum|_count)?\\{([^}]*)\\}`, "gm"));
      const labels = [...samples].flatMap(([, all = ""]) =>
        [...all.matchAll(/(\w+)="/g)].map(([, label = ""]) => label),
      );
      return [name, { kind, labels: new Set(labels.filter((label) => label !== "le")) }];
    }),
  );
}

async function documented(): Promise<Map<string, Metric>> {
  const rows = (await readFile("docs/metrics.md", "utf8")).matchAll(
    /^\| `(asset_archiver_\w+)` \| (\w+) \|([^|]*)\|/gm,
  );
  return new Map(
    [...rows].map(([, name = "", kind = "", labels = ""]) => [
      name,
      { kind, labels: new Set([...labels.matchAll(/`(\w+)`/g)].map(([, label = ""]) => label)) },
    ]),
  );
}

function sampleOf(text: string, sample: string): number {
  const line = text.split("\n").find((one) => one.startsWith(`${sample} `));
  return Number(line?.slice(sample.length + 1).replace("+Inf", "Infinity"));
}

test("every metric is documented with its kind and labels, and every documented one exists", async () => {
  const served = await openServed({ PRICE_PER_IMAGE: "0.02 USD" });
  // the first scrape is counted in the second
  await scrape(served);
  expect(metricsIn(await scrape(served))).toEqual(await documented());
});

test("figures of work that was done", async () => {
  const served = await openBusyServed({ settings: { PRICE_PER_IMAGE: "0.02 USD" } });
  await served.post("/v1/requests", { prompt: "a fox", request_id: "fox", n: 2, seed: 3 });
  const request = (await (await served.ask("/v1/requests/fox?wait=20s")).json()) as { assets: { bytes: number }[] };
  await served.post("/v1/requests", { prompt: "a wolf [reject]", request_id: "wolf" });
  await served.ask("/v1/requests/wolf?wait=20s");
  await served.post("/v1/requests", { prompt: "a fox", request_id: "fox-again", n: 2, seed: 3 });
  await served.ask("/v1/requests/fox-again?wait=20s");
  const text = await untilCounted(served);
  expect(sampleOf(text, 'asset_archiver_requests{state="archived"}')).toBe(2);
  expect(sampleOf(text, 'asset_archiver_requests{state="failed"}')).toBe(1);
  expect(sampleOf(text, 'asset_archiver_calls{outcome="answered"}')).toBe(1);
  expect(sampleOf(text, 'asset_archiver_calls{outcome="refused"}')).toBe(1);
  expect(sampleOf(text, "asset_archiver_assets_total")).toBe(2);
  expect(sampleOf(text, "asset_archiver_images_reused_total")).toBe(2);
  expect(sampleOf(text, 'asset_archiver_money_saved_total{currency="USD"}')).toBe(0.04);
  const bytes = request.assets.reduce((sum, asset) => sum + asset.bytes, 0);
  expect(sampleOf(text, "asset_archiver_archived_bytes_total")).toBe(bytes);
  expect(sampleOf(text, "asset_archiver_seconds_to_nearest_loss")).toBe(Number.POSITIVE_INFINITY);
  expect(sampleOf(text, "asset_archiver_redis_up")).toBe(1);
  const posted = 'asset_archiver_http_requests_total{method="POST",route="/v1/requests",status="202"}';
  expect(sampleOf(text, posted)).toBe(3);
});

/** The latency is counted a second after the fact. */
async function untilCounted(served: Served, latencies = 1): Promise<string> {
  const deadline = Date.now() + 10_000;
  for (;;) {
    const text = await scrape(served);
    const counted = sampleOf(text, "asset_archiver_archive_latency_seconds_count");
    if (counted === latencies) return text;
    expect(counted).toBe(0);
    if (Date.now() > deadline) throw new Error("the latency was never counted");
  }
}

test("one scrape counts all that was archived since the last, however much it is", async () => {
  const served = await openBusyServed();
  await served.post("/v1/requests", { prompt: "a fox", request_id: "fox" });
  await served.ask("/v1/requests/fox?wait=20s");
  const sqlite = new Sqlite(served.app.settings.catalogFile);
  onTestFinished(() => void sqlite.close());
  // whose functions this connection lacks
  sqlite.exec("drop trigger requests_search_update; begin");
  for (const table of ["requests", "calls"])
    multiplyRow(sqlite, { times: 4_500, table, key: "request_id", as: "'r' || i" });
  sqlite.exec("commit");
  await untilCounted(served, 4_500);
});

test("jobs that wait are counted, and no path with an id becomes a label", async () => {
  const served = await openServed();
  await served.post("/v1/requests", { prompt: "a fox", request_id: "fox" });
  for (const path of ["/v1/requests/fox", "/v1/requests/nobody", "/nowhere"]) await served.ask(path);
  const text = await scrape(served);
  expect(sampleOf(text, 'asset_archiver_queue_jobs{queue="generate",state="waiting"}')).toBe(1);
  const routes = [...text.matchAll(/_requests_total\{.*route="([^"]*)"/g)].map(([, route]) => route);
  expect(new Set(routes)).toEqual(new Set(["/v1/requests", "/v1/requests/{id}", "unmatched"]));
});
