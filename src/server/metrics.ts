// What Prometheus is told. What stands in the catalog and in Redis is read at each scrape, what only grows in steps, and what
// happens here is counted as it happens. docs/metrics.md is tested against it.
import { setImmediate } from "node:timers/promises";
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { App } from "../app/app.ts";
import { getStatus, type Status } from "../app/status.ts";

export interface HttpMetrics {
  readonly contentType: string;
  /** The whole text. */
  scrape(): Promise<string>;
  /** Counts an exchange; `route` is the pattern, never a path with ids. */
  observe(exchange: { method: string; route: string; status: number; seconds: number }): void;
}

/** Seconds from an answer to its images in the store, and of exchanges. */
const ARCHIVE_BUCKETS = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800, 7_200, 86_400];
const EXCHANGE_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];

export function createHttpMetrics(app: App): HttpMetrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const state = createStateMetrics(registry);
  const growth = createGrowthMetrics(app, registry);
  const exchanges = createExchangeMetrics(registry);
  return {
    contentType: registry.contentType,
    scrape: async () => {
      const overview = await getStatus(app, (error) => app.log.debug({ error: error.message }, "Redis is away"));
      state.set(overview);
      await growth.read();
      return registry.metrics();
    },
    observe: exchanges.observe,
  };
}

function createStateMetrics(registry: Registry) {
  const registers = [registry];
  const name = (short: string) => `asset_archiver_${short}`;
  const jobs = new Gauge({
    name: name("queue_jobs"),
    help: "Jobs in a queue",
    labelNames: ["queue", "state"],
    registers,
  });
  const requests = new Gauge({ name: name("requests"), help: "Requests on record", labelNames: ["state"], registers });
  const calls = new Gauge({
    name: name("calls"),
    help: "Calls of the image API on record",
    labelNames: ["outcome"],
    registers,
  });
  const redis = new Gauge({ name: name("redis_up"), help: "Whether Redis could be asked", registers });
  const held = new Gauge({ name: name("calls_held"), help: "Whether all calls are held back just now", registers });
  const workers = new Gauge({ name: name("workers"), help: "Workers that are alive", registers });
  const loss = new Gauge({
    name: name("seconds_to_nearest_loss"),
    help: "Seconds until the first URL of an image dies that is not archived; +Inf when nothing is at stake",
    registers,
  });

  function set(overview: Status): void {
    for (const [label, number] of Object.entries(overview.requests)) requests.set({ state: label }, number);
    for (const [label, number] of Object.entries(overview.calls)) calls.set({ outcome: label }, number);
    loss.set(overview.seconds_to_nearest_loss ?? Number.POSITIVE_INFINITY);
    redis.set(overview.generate === null ? 0 : 1);
    held.set(overview.gate?.reason ? 1 : 0);
    workers.set(overview.workers.filter(({ alive }) => alive).length);
    // figures of a Redis that cannot be asked would be old ones
    jobs.reset();
    for (const queue of ["generate", "archive"] as const) {
      for (const [label, number] of Object.entries(overview[queue] ?? {})) jobs.set({ queue, state: label }, number);
    }
  }
  return { set };
}

function createGrowthMetrics(app: App, registry: Registry) {
  const registers = [registry];
  const assets = new Counter({ name: "asset_archiver_assets_total", help: "Archived images", registers });
  const bytes = new Counter({
    name: "asset_archiver_archived_bytes_total",
    help: "Bytes of archived images",
    registers,
  });
  const latency = new Histogram({
    name: "asset_archiver_archive_latency_seconds",
    help: "From the API's answer to the request archived, since this server started",
    buckets: ARCHIVE_BUCKETS,
    registers,
  });
  const reused = new Counter({
    name: "asset_archiver_images_reused_total",
    help: "Images answered from the catalog instead of being bought",
    registers,
  });
  const saved = new Counter({
    name: "asset_archiver_money_saved_total",
    help: "What the reused images would have cost, at the prices of their time",
    labelNames: ["currency"],
    registers,
  });
  let place = 0;
  let reusedPlace = 0;
  let savedPlace = 0;
  /** Reused images: all of them, those with the price of their time, and those that were valued for lack of one. */
  const images = { reused: 0, priced: 0, valued: 0 };
  let archived = { archived_at: app.clock.now(), request_id: "" };

  // the first scrape reads all there is: between two steps everything else has its turn. Each step moves its place before
  // that, so that two scrapes at once count nothing twice
  async function read(): Promise<void> {
    while (readAssets() || readReused() || readSaved() || readArchived()) await setImmediate();
    addUnpriced();
  }

  function readAssets(): boolean {
    const grown = app.catalog().growth.assetsSince(place);
    place = grown.place;
    assets.inc(grown.assets);
    bytes.inc(grown.bytes);
    return grown.more;
  }

  function readReused(): boolean {
    const free = app.catalog().growth.reusedSince(reusedPlace);
    reusedPlace = free.place;
    reused.inc(free.images);
    images.reused += free.images;
    return free.more;
  }

  function readSaved(): boolean {
    const page = app.catalog().growth.savedSince(savedPlace);
    savedPlace = page.place;
    for (const { currency, images: count, micros } of page.saved) {
      saved.inc({ currency }, micros / 1e6);
      images.priced += count;
    }
    return page.more;
  }

  // what was reused before prices were recorded; read behind the reused ones, so that none of these is counted twice
  function addUnpriced(): void {
    const price = app.catalog().ledger.referencePrice() ?? app.settings.pricePerImage;
    const more = images.reused - images.priced - images.valued;
    if (price === undefined || more < 0) return;
    images.valued += more;
    saved.inc({ currency: price.currency }, (more * price.micros) / 1e6);
  }

  function readArchived(): boolean {
    const page = app.catalog().growth.archivedSince(archived);
    for (const { latency_ms } of page) if (latency_ms !== null) latency.observe(latency_ms / 1000);
    archived = page.at(-1) ?? archived;
    return page.length > 0;
  }
  return { read };
}

function createExchangeMetrics(registry: Registry) {
  const registers = [registry];
  const labelNames = ["method", "route", "status"] as const;
  const total = new Counter({
    name: "asset_archiver_http_requests_total",
    help: "Exchanges of this server",
    labelNames,
    registers,
  });
  const seconds = new Histogram({
    name: "asset_archiver_http_request_duration_seconds",
    help: "Time to the head of the answer; waiting for requests to end included",
    labelNames: ["method", "route"],
    buckets: EXCHANGE_BUCKETS,
    registers,
  });
  return {
    observe: ({ method, route, status, seconds: took }: Parameters<HttpMetrics["observe"]>[0]) => {
      total.inc({ method, route, status: String(status) });
      seconds.observe({ method, route }, took);
    },
  };
}
