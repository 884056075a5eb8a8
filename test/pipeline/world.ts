// A world for the pipeline: real catalog, store, spool and gate, and the sandbox over HTTP. Processes start in it, die in
// it and start again on the same files; the bill tells what was paid.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Sqlite from "better-sqlite3";
import { inject, onTestFinished } from "vitest";
import { type OpenCatalog, openCatalog } from "../../src/catalog/catalog.ts";
import { openSandbox, type Sandbox, type SandboxOptions } from "../../src/dev/sandbox/sandbox.ts";
import type { RequestDetail } from "../../src/domain/records.ts";
import { createInspector } from "../../src/image/inspect.ts";
import { createImageApi } from "../../src/image-api/client.ts";
import { createDownloader } from "../../src/image-api/download.ts";
import { type ArchiveResult, archive } from "../../src/pipeline/archive.ts";
import { createByteSemaphore } from "../../src/pipeline/byte-semaphore.ts";
import { generate } from "../../src/pipeline/generate.ts";
import type { GenerateResult, GenerateSettings } from "../../src/pipeline/generate-run.ts";
import type { ArchivePurpose, Catalog, Clock, Gate, Log, OnStep, Store } from "../../src/pipeline/ports.ts";
import type { Outcome } from "../../src/pipeline/verdict.ts";
import { openProducerConnection } from "../../src/queue/connection.ts";
import { createGate } from "../../src/queue/gate.ts";
import { createDirectoryStore } from "../../src/storage/directory.ts";
import { createSpool } from "../../src/storage/spool.ts";

export interface World {
  folder: string;
  sandbox: Sandbox;
  gate: Gate;
  /** Queue "archive", which outlives the processes: jobs by request and purpose. */
  archiveJobs: Map<string, { request_id: string; purpose: ArchivePurpose }>;
  settings: GenerateSettings;
  /** Real time, and this much of it. */
  aheadMs: number;
  log: { level: string; message: string; fields: object }[];
  /** Requests whose webhook was notified, in order. */
  notified: string[];
  /** Digests whose thumbnails were offered to be made. */
  pictured: string[];
}

/** A process of this world. One that was killed stands still at its last step for good. */
export interface Process {
  catalog: OpenCatalog;
  store: Store;
  spoolFolder: string;
  generate(data: unknown, options?: DeliveryOptions): Promise<Outcome<GenerateResult>>;
  archive(requestId: string, options?: { signal?: AbortSignal; attempt?: number }): Promise<Outcome<ArchiveResult>>;
}

interface DeliveryOptions {
  /** The bytes of the data, where they are not its JSON. */
  raw?: Uint8Array | undefined;
  jobId?: string;
  stopping?: AbortSignal;
  signal?: AbortSignal;
}

/** An empty world with a sandbox in it. */
export async function openWorld(
  options: SandboxOptions & { settings?: Partial<GenerateSettings> } = {},
): Promise<World> {
  const { settings, ...switches } = options;
  const folder = mkdtempSync(join(tmpdir(), "asset-archiver-pipeline-"));
  const sandbox = await openSandbox({ imageScale: 0.02, ...switches });
  const redisUrl = inject("redisUrl");
  const redis = await openProducerConnection(redisUrl);
  const gate = createGate({ redis, redisUrl, prefix: folder, clock: REAL, callTimeoutMs: 1_000 });
  onTestFinished(async () => {
    redis.disconnect();
    await sandbox.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const defaults: GenerateSettings = {
    attempts: 4,
    unknownCallPolicy: "retry",
    urlLifetimeMs: 7 * 86_400_000,
    maxUnarchivedImages: 100,
  };
  return {
    folder,
    sandbox,
    gate,
    archiveJobs: new Map(),
    settings: { ...defaults, ...settings },
    aheadMs: 0,
    log: [],
    notified: [],
    pictured: [],
  };
}

const REAL: Pick<Clock, "now"> & Clock = {
  now: Date.now,
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
};

interface ProcessOptions {
  onStep?: OnStep;
  store?: (store: Store) => Store;
  /** What the stages see of the catalog. */
  catalog?: (catalog: Catalog) => Catalog;
  apiTimeoutMs?: number;
}

/** Starts a process: new ports on the existing files. */
export async function startProcess(world: World, options: ProcessOptions = {}): Promise<Process> {
  const { folder, sandbox } = world;
  const clock: Clock = { now: () => Date.now() + world.aheadMs, sleep: async () => undefined };
  const catalog = openCatalog({
    file: join(folder, "catalog.db"),
    clock,
    maxUnarchivedImages: world.settings.maxUnarchivedImages,
  });
  await catalog.register();
  const directory = createDirectoryStore({ root: join(folder, "archive") });
  const store = options.store?.(directory) ?? directory;
  const spoolFolder = join(folder, "spool");
  const api = createImageApi({
    baseUrl: sandbox.url,
    apiKey: "key",
    timeoutMs: options.apiTimeoutMs ?? 5_000,
    maxConnections: 8,
    now: clock.now,
  });
  const downloader = createDownloader({ maxBytes: 1024 ** 2, privateHosts: ["127.0.0.1"] });
  onTestFinished(async () => {
    catalog.close();
    await Promise.all([api.close(), downloader.close()]);
  });
  const ports = {
    catalog: options.catalog?.(catalog) ?? catalog,
    store,
    api,
    downloader,
    imageMemory: createByteSemaphore(1024 ** 2),
    gate: world.gate,
    inspect: createInspector(),
    spool: createSpool({ folder: spoolFolder }),
    thumbnails: { offer: ({ digest }: { digest: string }) => void world.pictured.push(digest) },
    archiveQueue: {
      add: async ({ request_id, purpose }: { request_id: string; purpose: ArchivePurpose }) => {
        world.archiveJobs.set(`${request_id} ${purpose}`, { request_id, purpose });
      },
    },
    notifier: { notify: async ({ request_id }: { request_id: string }) => void world.notified.push(request_id) },
    clock,
    random: () => 0.5,
    log: createLog(world),
    onStep: options.onStep ?? (() => undefined),
  };
  const never = new AbortController().signal;
  return {
    catalog,
    store,
    spoolFolder,
    generate: (data, { jobId = "1", raw, stopping = never, signal = never } = {}) =>
      generate(
        { jobId, addedAtMs: 1_000, data, readRaw: async () => raw, stopping, signal },
        { ports, settings: world.settings },
      ),
    archive: (requestId, { signal = never, attempt = 1 } = {}) => archive({ requestId, attempt, signal }, ports),
  };
}

function createLog(world: World): Log {
  const write = (level: string) => (fields: object, message: string) => void world.log.push({ level, fields, message });
  return { debug: write("debug"), info: write("info"), warn: write("warn"), error: write("error") };
}

/** The process is gone, and what it had in hand with it: its calls are nobody's any more. */
export function declareDead(world: World, process: Process): void {
  const sqlite = new Sqlite(join(world.folder, "catalog.db"));
  sqlite.prepare("delete from workers where worker_id = ?").run(process.catalog.workerId);
  sqlite.close();
}

/** A step at which a process stands still, and the moment at which it got there. */
export function killAt(name: string): { onStep: OnStep; reached: Promise<void> } {
  const { promise, resolve } = Promise.withResolvers<void>();
  const onStep: OnStep = (step) => {
    if (step !== name) return undefined;
    resolve();
    return new Promise(() => undefined);
  };
  return { onStep, reached: promise };
}

const TRIES = 30;

/** Works like the queues do: delivers until the request has come to an end, or says with what it stands. */
export async function work(world: World, process: Process, data: unknown, jobId = "1"): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (let tries = 0; tries < TRIES; tries++) {
    const outcome = await process.generate(data, { jobId });
    outcomes.push(outcome);
    if (!(await runArchiveJobs(world, process))) continue;
    if (outcome.kind !== "retry" && outcome.kind !== "wait") return outcomes;
  }
  throw new Error(`Came to no end: ${JSON.stringify(outcomes.at(-1))}; ${JSON.stringify(world.log.at(-1))}`);
}

/** Runs what lies in queue "archive"; false when some of it has to be run again. */
export async function runArchiveJobs(world: World, process: Process): Promise<boolean> {
  const jobs = [...world.archiveJobs];
  const outcomes = await Promise.all(jobs.map(([, job]) => process.archive(job.request_id)));
  jobs.forEach(([key], index) => {
    const kind = outcomes[index]?.kind;
    if (kind !== "wait" && kind !== "retry") world.archiveJobs.delete(key);
  });
  return world.archiveJobs.size === 0;
}

/** The request as it stands; it must be there. */
export async function found(process: Process, id: string): Promise<RequestDetail> {
  const detail = await process.catalog.find(id);
  if (detail === undefined) throw new Error(`Got nothing for "${id}"`);
  return detail;
}

/** The keys in the store, in order. */
export async function keysOf(process: Process, prefix = ""): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of process.store.list(prefix)) keys.push(key);
  return keys.sort();
}
