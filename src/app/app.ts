// The composition root: the only file that sees every adapter. What it opens it closes, in reverse order.
import { dirname, join } from "node:path";
import { type OpenCatalog, openCatalog } from "../catalog/catalog.ts";
import { catalogExists } from "../catalog/db/migrate.ts";
import { openRecorder, type Recorder } from "../catalog/db/recorder.ts";
import { closeAll } from "../domain/close-all.ts";
import { type LinkAsset, withoutLinks } from "../output/report/asset-links.ts";
import type { Clock, Log, OnStep } from "../pipeline/ports.ts";
import { type ConnectionEvents, openProducerConnection } from "../queue/connection.ts";
import { createGate, type OpenGate } from "../queue/gate.ts";
import { createQueues, type Queues } from "../queue/queues.ts";
import { openStore } from "../storage/open.ts";
import type { ProbedStore } from "../storage/probe.ts";
import { createSpool, type OpenSpool } from "../storage/spool.ts";
import { createAssetLinks } from "./asset-links.ts";
import { clock } from "./clock.ts";
import { type CompletionWatch, createCompletionWatch } from "./completion-watch.ts";
import {
  checkStores,
  explainMissingCatalog,
  type MissingCatalog,
  type PrepareOptions,
  prepareInstallation,
  requireOwnQueues,
  type StoreClaim,
} from "./installation.ts";
import { createOutages, type Outages, watched } from "./outages.ts";
import type { Settings } from "./settings.ts";
import { createUrlSigner, type UrlSigner } from "./url-signing.ts";

/** What every command and server of ours is made of. Parts are opened when they are first asked for. */
export interface App {
  readonly settings: Settings;
  readonly log: Log;
  readonly clock: Clock;
  readonly onStep: OnStep;
  /**
   * Where there is none and this app only reads (see AppOptions), ConfigError `catalog_missing`, or after `findCatalog` an
   * empty one in memory for an installation that has not begun yet.
   */
  catalog(): OpenCatalog;
  /** For an app that only reads: finds out what it means that there is no catalog; undefined where there is one. */
  findCatalog(): Promise<MissingCatalog | undefined>;
  /**
   * Makes sure that catalog, queues and store belong to one installation, and makes what is missing; for all who write.
   * Harmless on repeat. Resolves to the installation's id; throws ConfigError where another installation is met.
   */
  prepare(options?: PrepareOptions): Promise<string>;
  /** Throws ConfigError `installation_mismatch` where store or mirror belong to another installation than the catalog. */
  requireOwnStore(options?: Pick<StoreClaim, "claim" | "signal">): Promise<void>;
  /** The error about a catalog that is not there, with what stands in the other places. */
  explainMissingCatalog(): Promise<MissingCatalog>;
  /** The pipeline's side of the catalog, its writes on a thread of their own: for what runs for long. */
  recorder(): Recorder;
  store(): ProbedStore;
  /** The store at MIRROR_URL, which has a second copy of everything; undefined where none is set. */
  mirror(): ProbedStore | undefined;
  /** Fails within seconds when Redis is away. */
  queues(): Promise<Queues & { gate: OpenGate }>;
  /** Signs the URLs of assets with the key beside the catalog. */
  readonly urlSigner: UrlSigner;
  /** The addresses of assets: below PUBLIC_URL, else on the server at `origin`; none where neither is known. */
  linksAt(origin?: string): LinkAsset;
  /** What is away, each with one line when it goes and one when it is back. */
  readonly outages: Outages;
  /** The ends of requests: all who wait in this process share one look at the record. */
  readonly endWatch: CompletionWatch;
  /** Runs when the app closes, before what was opened earlier is closed. */
  onClose(close: () => void | Promise<void>): void;
  close(): Promise<void>;
}

export interface AppOptions {
  settings: Settings;
  log: Log;
  onStep?: OnStep;
  /** Whether `catalog()` makes the file where there is none; commands that only read leave that to `prepare`. Default: yes. */
  createCatalog?: boolean;
}

/** Puts an app together; opens nothing yet. */
export function createApp({ settings, log, onStep = () => undefined, createCatalog = true }: AppOptions): App {
  for (const { name, meant } of settings.misspelled) log.warn({ name }, `not a setting; did you mean ${meant}?`);
  const closers: (() => void | Promise<void>)[] = [];
  const closing = (close: () => void | Promise<void>) => void closers.push(close);
  const catalogOptions = {
    file: settings.catalogFile,
    maxUnarchivedImages: settings.generate.maxUnarchivedImages,
    mirrored: settings.mirror !== undefined,
    price: settings.pricePerImage,
  };
  const outages = createOutages({ log, clock });
  closing(() => outages.close());
  let create = createCatalog;
  let absent: MissingCatalog | undefined;
  const catalog = lazy(() => {
    const isAbsent = !create && absent !== undefined && !catalogExists(settings.catalogFile);
    if (isAbsent && !absent?.isNew) throw absent?.error;
    const file = isAbsent ? ":memory:" : settings.catalogFile;
    const opened = openCatalog({ ...catalogOptions, file, create: create || isAbsent });
    closing(() => opened.close());
    return opened;
  });
  const urlSigner = createUrlSigner({ file: join(dirname(settings.catalogFile), "asset-url.key") });
  const store = lazy(() => {
    const store = openStore(toStoreSettings(settings.storage, settings));
    closing(() => store.close());
    return watched(store, outages, { what: "store", writes: isStoreWrite });
  });
  const mirror = lazy(() => {
    if (settings.mirror === undefined) return undefined;
    const mirror = openStore(toStoreSettings(settings.mirror, settings));
    closing(() => mirror.close());
    return watched(mirror, outages, { what: "mirror", writes: isStoreWrite });
  });
  const connection = lazyAsync(() => openQueues(settings, { closing, outages }));
  const queues = lazyAsync(async () => {
    const open = await connection();
    const id = catalogExists(settings.catalogFile) ? catalog().installationId() : undefined;
    if (id !== undefined) await requireOwnQueues(settings, { key: open.installation, id });
    return open;
  });
  const places = {
    ...{ catalogFile: settings.catalogFile, redisUrl: settings.redisUrl, queuePrefix: settings.queuePrefix },
    ...{ catalog, store, mirror, clock, log },
    key: async () => (await connection()).installation,
  };
  let prepared: Promise<string> | undefined;
  return {
    settings,
    log,
    clock,
    onStep,
    catalog,
    urlSigner,
    linksAt: (origin) => {
      const { publicUrl, tokens } = settings.http;
      const base = publicUrl ?? origin;
      if (base === undefined) return withoutLinks;
      return createAssetLinks({ base, signer: tokens.length > 0 ? urlSigner : undefined });
    },
    prepare: (options) => {
      create = true;
      prepared ??= prepareInstallation(places, options);
      return prepared;
    },
    requireOwnStore: async (options = {}) => {
      const id = catalog().installationId();
      if (id !== undefined) await checkStores(places, { id, claim: false, ...options });
    },
    findCatalog: async () => {
      absent = catalogExists(settings.catalogFile) ? undefined : await explainMissingCatalog(places);
      // another process may have made it meanwhile, and claimed the other places after it
      return catalogExists(settings.catalogFile) ? undefined : absent;
    },
    explainMissingCatalog: () => explainMissingCatalog(places),
    recorder: lazy(() => {
      const recorder = openRecorder(catalog(), catalogOptions);
      closing(() => recorder.close());
      return watched(recorder, outages, { what: "catalog", writes: (method) => !RECORDER_READS.has(method) });
    }),
    store,
    mirror,
    outages,
    endWatch: createCompletionWatch({ states: (ids) => catalog().browse.states(ids) }),
    queues,
    onClose: closing,
    close: () => closeAll(lastFirst(closers)),
  };
}

const RECORDER_READS: ReadonlySet<string> = new Set(["find", "holdOf", "countUnarchivedImages", "ready", "close"]);

function isStoreWrite(method: string): boolean {
  return method === "put" || method === "delete" || method === "probeGuarantees";
}

// each is taken off before it is closed: closing twice closes nothing twice
function* lastFirst<T>(closers: T[]): Generator<T> {
  for (let close = closers.pop(); close !== undefined; close = closers.pop()) yield close;
}

async function openQueues(
  settings: Settings,
  { closing, outages }: { closing: (close: () => Promise<void>) => void; outages: Outages },
): Promise<Queues & { gate: OpenGate }> {
  const { redisUrl, queuePrefix: prefix } = settings;
  const connection = await openProducerConnection(redisUrl, toConnectionEvents(outages));
  const queues = createQueues({ connection, redisUrl, prefix });
  closing(() => closeAll([queues.close, () => connection.disconnect()]));
  const { rateLimit } = settings.generate;
  return {
    ...queues,
    gate: createGate({
      redis: connection,
      redisUrl,
      prefix,
      clock,
      rateLimit,
      callTimeoutMs: settings.imageApi.timeoutMs,
    }),
  };
}

/** What the connections to Redis tell the log. */
export function toConnectionEvents(outages: Outages): ConnectionEvents {
  return { failed: (reason) => outages.failed("redis", reason), ready: () => outages.worked("redis") };
}

/** The spool of these settings; it holds nothing open. */
export function createSpoolOf(settings: Settings): OpenSpool {
  return createSpool({ folder: settings.spoolFolder });
}

function toStoreSettings(storage: Settings["storage"], { archive, proxy }: Settings): Parameters<typeof openStore>[0] {
  if (storage.kind === "directory") return storage;
  return { ...storage, maxSockets: Math.max(50, archive.concurrency * 2), proxy };
}

function lazy<T>(make: () => T): () => T {
  let made: { value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

// a Redis that was away when it was first asked for must not stay away for ever
function lazyAsync<T>(open: () => Promise<T>): () => Promise<T> {
  let opening: Promise<T> | undefined;
  return () => {
    opening ??= open().catch((error: unknown) => {
      opening = undefined;
      throw error;
    });
    return opening;
  };
}
