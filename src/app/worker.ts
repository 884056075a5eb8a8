// A worker process: the stages on their queues, and the upkeep that keeps catalog and queues in step.

import { runScheduleStage } from "../batches/schedule/stage.ts";
import type { OpenCatalog } from "../catalog/catalog.ts";
import { closeTogether } from "../domain/close-all.ts";
import { ConfigError, toMessage } from "../domain/errors.ts";
import { createInspector } from "../image/inspect.ts";
import { createThumbnailMaker } from "../image/thumbnail-maker.ts";
import { createImageApi } from "../image-api/client.ts";
import { createDownloader } from "../image-api/download.ts";
import { startMaintenance } from "../maintenance/loop.ts";
import { type ArchivePorts, archive } from "../pipeline/archive.ts";
import { createByteSemaphore } from "../pipeline/byte-semaphore.ts";
import { generate } from "../pipeline/generate.ts";
import type { GeneratePorts } from "../pipeline/generate-run.ts";
import type { ImageApi } from "../pipeline/ports.ts";
import { createStoreGuard, type StoreGuard } from "../pipeline/store-guard.ts";
import { ABORTED } from "../pipeline/verdict.ts";
import { createArchiveQueue } from "../queue/archive-jobs.ts";
import { runArchiveWorker, runGenerateWorker, type StageWorker } from "../queue/workers.ts";
import { probeWriting } from "../storage/probe.ts";
import { createAppNotifier, runWebhookStage } from "../webhooks/stage.ts";
import { type App, createSpoolOf, toConnectionEvents } from "./app.ts";
import { type Outages, watched } from "./outages.ts";
import type { Settings } from "./settings.ts";
import { toSettingsView } from "./settings-view.ts";
import { VERSION } from "./version.ts";

export interface RunningWorker {
  /**
   * Stops taking jobs and lets paid calls finish within the grace. Resolves to whether all of them did. Calling it again
   * ends the grace at once.
   */
  stop(): Promise<boolean>;
  /** Resolves, while the worker runs, to why it must not go on: another installation has taken over its queues. */
  readonly displaced: Promise<ConfigError>;
}

/** After the grace, what is still in hand gets so long to write down how it ended, in ms. */
const LOG_FLUSH_MS = 5_000;

/** Images in hand hold at most so many bytes together: with what decoding and sending them takes, twice as much. */
const IMAGE_MEMORY_BYTES = 96 * 1024 * 1024;

export interface WorkerOptions {
  /** How long a job stays this worker's without a sign of life, in ms. Default half a minute; tests have less time. */
  lockMs?: number;
}

/** Starts a worker and resolves when it takes jobs. Throws ConfigError without an API key. */
export async function startWorker(app: App, { lockMs }: WorkerOptions = {}): Promise<RunningWorker> {
  const apiKey = requireApiKey(app.settings);
  app.log.info({ settings: toSettingsView(app.settings, "worker") }, `asset-archiver ${VERSION}: worker is starting`);
  await app.prepare();
  const catalog = app.catalog();
  // the thread takes its time to load, while everything else here goes on
  const recording = app.recorder().ready();
  await catalog.register({
    generate: app.settings.generate.concurrency,
    archive: app.settings.archive.concurrency,
  });
  const { pricePerImage } = app.settings;
  if (pricePerImage !== undefined) await catalog.ledger.keepReferencePrice(pricePerImage);
  const settled = await catalog.settleAllDeadCalls();
  if (settled > 0)
    app.log.warn(
      { calls: settled },
      "calls of dead workers have an unknown outcome now; see: asset-archiver ledger --unknown",
    );
  const queues = await app.queues();
  await queues.gate.reset();
  await recording;
  const stopping = new AbortController();
  const forceStop = new AbortController();
  const storeGuard = createStoreGuard({
    gate: queues.gate,
    probe: () => proveStore(app),
    clock: app.clock,
    log: app.log,
  });
  // found out now, and not when the first job waits for it
  void storeGuard.check();
  const stages = await startStages(app, {
    ...{ apiKey, catalog, storeGuard, stopping: stopping.signal, signal: forceStop.signal, lockMs },
  });
  const displaced = Promise.withResolvers<ConfigError>();
  const upkeep = startMaintenance(app, { catalog, queues, storeGuard, onDisplaced: displaced.resolve });
  app.log.info(
    {
      worker_id: catalog.workerId,
      generate: app.settings.generate.concurrency,
      archive: app.settings.archive.concurrency,
    },
    "worker is ready",
  );
  let ended: Promise<boolean> | undefined;
  const stop = () => {
    if (ended !== undefined) forceStop.abort();
    ended ??= stopWorker({ app, stages, upkeep, stopping, forceStop });
    return ended;
  };
  return { stop, displaced: displaced.promise };
}

/** A store that does not answer in time cannot keep anything, in ms. */
const PROBE_TIMEOUT_MS = 20_000;

/** Rejects where the store cannot be written, or belongs to another installation, which a store that was away may have hidden. */
async function proveStore(app: App): Promise<void> {
  const signal = AbortSignal.timeout(PROBE_TIMEOUT_MS);
  await app.requireOwnStore({ claim: true, signal });
  await probeWriting(app.store(), { signal });
}

/** The key of the image API. Throws ConfigError without one. */
export function requireApiKey(settings: Settings): string {
  if (settings.imageApi.key !== undefined) return settings.imageApi.key;
  throw new ConfigError(
    "Cannot start the worker: IMAGE_API_KEY is not set. Get a key from the provider of " +
      `${settings.imageApi.baseUrl} and put it into the environment or .env; or try everything at no cost with the ` +
      "sandbox: run `asset-archiver up`, or `asset-archiver sandbox` and use the settings it prints",
    { code: "missing_api_key", faults: [{ field: "IMAGE_API_KEY", message: "wanted the API key" }] },
  );
}

interface StageParts {
  apiKey: string;
  catalog: OpenCatalog;
  storeGuard: StoreGuard;
  stopping: AbortSignal;
  signal: AbortSignal;
  lockMs: number | undefined;
}

async function startStages(app: App, parts: StageParts): Promise<StageWorker[]> {
  const { settings, log } = app;
  const queues = await app.queues();
  const notifier = createAppNotifier(app, { catalog: parts.catalog, queues });
  const generatePorts = { ...createGeneratePorts(app, { ...parts, queues }), notifier };
  const archivePorts = { ...createArchivePorts(app, parts), notifier };
  const { redisUrl, queuePrefix: prefix, urlLifetimeMs } = settings;
  const { stopping, signal, lockMs, catalog } = parts;
  const connection = toConnectionEvents(app.outages);
  const shared = { redisUrl, prefix, log, connection, stopping, signal, lockMs, workerId: catalog.workerId };
  const stages = [
    runGenerateWorker({ ...shared, concurrency: settings.generate.concurrency, queue: queues.generate }, (delivery) =>
      generate(delivery, { ports: generatePorts, settings: { ...settings.generate, urlLifetimeMs } }),
    ),
    runArchiveWorker({ ...shared, concurrency: settings.archive.concurrency }, (delivery) =>
      archive(delivery, archivePorts),
    ),
    runWebhookStage(app, { catalog, shared }),
    runScheduleStage(app, shared),
  ];
  await Promise.all(stages.map((stage) => stage.ready()));
  return stages;
}

function createGeneratePorts(
  app: App,
  parts: StageParts & { queues: Awaited<ReturnType<App["queues"]>> },
): Omit<GeneratePorts, "notifier"> {
  const { settings, log, clock, onStep } = app;
  const api = createImageApi({
    baseUrl: settings.imageApi.baseUrl,
    apiKey: parts.apiKey,
    timeoutMs: settings.imageApi.timeoutMs,
    maxConnections: settings.generate.concurrency,
    maxImageBytes: settings.imageMaxBytes,
    proxy: settings.proxy,
  });
  app.onClose(() => api.close());
  const archiveQueue = createArchiveQueue(parts.queues.archive, settings.redisUrl);
  const { gate } = parts.storeGuard;
  return {
    catalog: app.recorder(),
    api: watchedApi(api, app.outages),
    gate,
    spool: watched(createSpoolOf(settings), app.outages, { what: "spool", writes: (method) => method === "write" }),
    archiveQueue,
    clock,
    random: Math.random,
    log,
    onStep,
  };
}

/** So many calls in a row that bring nothing are an outage, whatever the API says about each. */
const FAILURES_IN_A_ROW = 5;

// which failures halt the fleet is the gate's business: this is for people who read the log
function watchedApi(api: ImageApi, outages: Outages): ImageApi {
  let inARow = 0;
  return {
    ...api,
    call: async (request, options) => {
      const result = await api.call(request, options);
      if (result.kind === "answered") {
        inARow = 0;
        outages.worked("api");
        return result;
      }
      const { failure, kind } = result;
      if (failure.code === ABORTED || failure.class === "rejected" || failure.class === "wait") return result;
      inARow += 1;
      const isSure = failure.class === "config" || kind === "unsent" || inARow >= FAILURES_IN_A_ROW;
      if (isSure) outages.failed("api", failure.message);
      return result;
    },
  };
}

function createArchivePorts(app: App, { storeGuard }: Pick<StageParts, "storeGuard">): Omit<ArchivePorts, "notifier"> {
  const { settings, log, clock, onStep } = app;
  const downloader = createDownloader({
    maxBytes: settings.imageMaxBytes,
    privateHosts: settings.privateImageHosts,
    connections: settings.archive.concurrency,
    proxy: settings.proxy,
  });
  app.onClose(() => downloader.close());
  const spool = createSpoolOf(settings);
  const catalog = app.recorder();
  const store = storeGuard.watch(app.store());
  const imageMemory = createByteSemaphore(IMAGE_MEMORY_BYTES);
  const thumbnails = createThumbnailMaker({ catalog, store, clock, log, isBusy: () => imageMemory.held() > 0 });
  app.onClose(() => thumbnails.close());
  return {
    catalog,
    store,
    thumbnails,
    downloader,
    inspect: createInspector(),
    imageMemory,
    spool,
    clock,
    random: Math.random,
    log,
    onStep,
  };
}

interface Stopping {
  app: App;
  stages: StageWorker[];
  upkeep: { stop(): Promise<void> };
  stopping: AbortController;
  forceStop: AbortController;
}

async function stopWorker({ app, stages, upkeep, stopping, forceStop }: Stopping): Promise<boolean> {
  stopping.abort();
  app.log.info(
    { grace_ms: app.settings.shutdownGraceMs },
    "stopping: calls in flight are let finish; a second signal hurries",
  );
  const closed = closeTogether([upkeep.stop, ...stages.map((stage) => stage.close)]).then(
    () => true,
    // what could not be closed is closed by the end of the process: it is no reason not to stop
    (error) => {
      app.log.error({ error: toMessage(error) }, "cannot stop cleanly");
      return false;
    },
  );
  const deadline = app.clock.sleep(app.settings.shutdownGraceMs, forceStop.signal).then(() => false);
  const inTime = await Promise.race([closed, deadline]);
  // in time, too: the wait for the deadline would keep the process alive for all of the grace
  forceStop.abort();
  if (inTime) {
    await sayStopped(app);
    return true;
  }
  const done = new AbortController();
  await Promise.race([closed, app.clock.sleep(LOG_FLUSH_MS, done.signal)]);
  done.abort();
  return false;
}

// only where nothing is in hand any more: the others would take over at once
async function sayStopped(app: App): Promise<void> {
  await app
    .catalog()
    .markStopped()
    .catch((error) => app.log.warn({ error: toMessage(error) }, "cannot record that this worker has stopped"));
}
