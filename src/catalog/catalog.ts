// The catalog: the pipeline's port over SQLite, and the questions that the command line and the servers ask.
import { randomUUID } from "node:crypto";
import type { ArchivedImage, Call, RequestDetail, RequestRecord } from "../domain/records.ts";
import type { Price } from "../domain/units.ts";
import type { AnswerRecord, Catalog, Clock } from "../pipeline/ports.ts";
import { listArchivedImages } from "./assets/archived-images.ts";
import { recordAsset } from "./assets/assets.ts";
import { clearDecoding, decodeAttempts, markDecoding } from "./assets/decode-marks.ts";
import { type Archived, createFindArchivedImages } from "./assets/find-archived.ts";
import { createReproductions, type Reproductions } from "./assets/reproductions.ts";
import { createSimilar, type Similar } from "./assets/similar.ts";
import { isSpoolFileDone, recordSpoolFile } from "./assets/spool-files.ts";
import { recordThumbnails } from "./assets/thumbnails.ts";
import { type Batches, createBatches } from "./batches/batches.ts";
import {
  createManifestStatus,
  type DurationHistory,
  type ManifestKey,
  type ManifestStatus,
  readDurationHistory,
} from "./batches/manifest-status.ts";
import { createSchedules, type Schedules } from "./batches/schedules.ts";
import { holdOf } from "./calls/budget.ts";
import {
  adoptAnswerFile,
  answerCall,
  closeCall,
  countUnarchivedImages,
  recordReread,
  reserveCall,
  settleDeadCalls,
  withdrawCall,
} from "./calls/calls.ts";
import { createLedger, type LedgerQueries } from "./calls/ledger.ts";
import { thisProcess } from "./calls/process-identity.ts";
import {
  heartbeat,
  isWorkerAlive,
  listDeadWorkers,
  listLiveWorkers,
  listWorkers,
  markWorkerStopped,
  registerWorker,
  type WorkerConcurrency,
  type WorkerRecord,
} from "./calls/workers.ts";
import type { CatalogContext } from "./context.ts";
import { backupDatabase } from "./db/backup.ts";
import { type Database, openDatabase } from "./db/database.ts";
import { createWriter, type Write } from "./db/writer.ts";
import { claimInstallation, isEmptyCatalog, readInstallationId } from "./integrity/installation.ts";
import { createIntegrityQueries, type IntegrityQueries } from "./integrity/integrity.ts";
import { type Invariants, readInvariants } from "./integrity/invariants.ts";
import { type AcceptedRows, acceptFault, acceptRequest, acceptRows } from "./requests/accept.ts";
import { type Browse, createBrowse } from "./requests/browse.ts";
import { createRequestEdits, type RequestEdits } from "./requests/edits.ts";
import { type ListFilter, listRequests } from "./requests/listing.ts";
import { createReader } from "./requests/reader.ts";
import { reuseArchived } from "./requests/reuse.ts";
import { toRequestRecord } from "./requests/rows.ts";
import {
  type Cancelled,
  cancelRequest,
  completePartially,
  countMissingImages,
  markSidecarWritten,
  type Retried,
  recordError,
  retryRequest,
  setTerminalState,
} from "./requests/transitions.ts";
import { listMissingSidecars, listUnfinished } from "./requests/unfinished.ts";
import {
  type Delivered,
  findWebhook,
  listPendingWebhooks,
  recordDelivery,
  resendWebhooks,
} from "./requests/webhooks.ts";
import { createAssetSearch, type SearchAssets } from "./search/assets.ts";
import { indexAll } from "./search/index.ts";
import { createSearch, type Search, type SearchQuery } from "./search/search.ts";
import { type Counts, createCounts, secondsToNearestLoss } from "./stats/counts.ts";
import { createGrowthCounters, type GrowthCounters } from "./stats/growth.ts";

export interface CatalogOptions {
  /** Path of the SQLite file. */
  file: string;
  /** Whether the file is made where there is none; otherwise that is a ConfigError `catalog_missing`. Default: yes. */
  create?: boolean;
  clock?: Pick<Clock, "now">;
  /** Who makes the calls that are written here. Default: a fresh id. */
  workerId?: string;
  /** No call is reserved that would bring more unarchived images than this. */
  maxUnarchivedImages?: number;
  /** Whether a second store wants a copy of everything. Default: no. */
  mirrored?: boolean;
  /** What an image costs; stands on the calls that are reserved from now on. */
  price?: Price | undefined;
}

/** The row of a server. Call `beat` every HEARTBEAT_MS. */
export interface ServerRegistration {
  beat(): Promise<void>;
  markStopped(): Promise<void>;
}

/** The pipeline's port, and more. Whoever opened it closes it. */
export interface OpenCatalog extends Catalog {
  readonly workerId: string;
  readonly migrated: readonly string[];
  /** Records requests that came together, in one transaction. `json` is a list of rows, as `accept-row.ts` makes them. */
  acceptRows(json: string): Promise<AcceptedRows>;
  /** Makes this process known as a worker that lives. Call `beat` every HEARTBEAT_MS. */
  register(concurrency?: WorkerConcurrency): Promise<void>;
  /** Makes this process known as a server that has the catalog open: no migration begins beside it. */
  registerServer(): Promise<ServerRegistration>;
  /** The id of the installation that this catalog belongs to; undefined where it has none yet. */
  installationId(): string | undefined;
  /** Gives a catalog without an id this one; resolves to the id it has in the end. */
  claimInstallation(id: string): Promise<string>;
  /** Whether nothing was ever recorded here. */
  isEmpty(): boolean;
  beat(): Promise<void>;
  /** Says that this worker has stopped and holds nothing any more. */
  markStopped(): Promise<void>;
  /** Every worker on record of the last month, the living first. */
  listWorkers(): WorkerRecord[];
  /** The ids of workers that are known and live no longer. */
  listDeadWorkers(): string[];
  listLiveWorkers(): string[];
  /** Turns the `sent` calls of all dead workers into `unknown`; returns how many. */
  settleAllDeadCalls(): Promise<number>;
  retry(requestId: string): Promise<Retried | undefined>;
  /** How many images a retry of each of these requests would call for. */
  countMissingImages(ids: readonly string[]): Map<string, number>;
  cancel(requestId: string): Promise<Cancelled | undefined>;
  /** Commits an answer that was kept unread until now. */
  recordReread(call: Call, record: AnswerRecord): Promise<RequestDetail>;
  /** Ties an answer in the spool to its call, where a kill came between. */
  adoptAnswerFile(name: string): Promise<void>;
  /** What is where; of a large catalog as it was some seconds ago. */
  counts(): Counts;
  /** How often what must always be true is not: reads the whole catalog. */
  invariants(): Invariants;
  secondsToNearestLoss(): number | null;
  listRequests(filter?: ListFilter): Generator<RequestRecord>;
  /** Every archived image that fits, in the order of acceptance. With words, call `indexTexts` before. */
  listArchivedImages(query?: SearchQuery): Generator<ArchivedImage>;
  listUnfinished: () => ReturnType<typeof listUnfinished>;
  /** What is there already of a page of requests, in their order. */
  getManifestStatus(page: readonly ManifestKey[]): ManifestStatus[];
  /** The images of those of these requests that are archived: a page of some hundred ids. */
  findArchivedImages(ids: readonly string[]): Map<string, Archived>;
  durationHistory(): DurationHistory;
  /** Requests that ended with calls on record and whose sidecar the store lacks: some hundred ids, in pages. */
  listMissingSidecars(): Generator<string[]>;
  findWebhook(eventId: string): ReturnType<typeof findWebhook>;
  recordDelivery(eventId: string, end: Delivered): Promise<void>;
  /** Makes the events of a request that were given up pending again; resolves to their ids. */
  resendWebhooks(requestId: string): Promise<string[]>;
  /** Events that are still to be delivered: pages of ids. */
  listPendingWebhooks(): Generator<string[]>;
  /** Whether the image whose bytes lie in this spool file is archived, or its request gone. */
  isSpoolFileDone(name: string): boolean;
  /** Pages of what is recorded, for people who leaf through it. */
  readonly browse: Browse;
  /** Words over prompts and filters over everything, a page at a time. */
  readonly search: Search;
  /** What looks alike. */
  readonly similar: Similar;
  /** The same for images: each once, whatever number of requests share it. */
  readonly searchAssets: SearchAssets;
  /** Proofs, and the second copy. */
  readonly integrity: IntegrityQueries;
  /** Recipes that were asked for again, and the proofs of what came. */
  readonly reproductions: Reproductions;
  /** Changes that people make afterwards. */
  readonly edits: RequestEdits;
  /** Writes a consistent copy of the live database to `file`, which must not exist, and checks it. */
  backup(file: string, onProgress?: (share: number) => void): Promise<void>;
  /** Brings the full-text index up to what is recorded; resolves to how many requests it lacked. */
  indexTexts(): Promise<number>;
  readonly batches: Batches;
  readonly schedules: Schedules;
  /** Figures that only grow, for metrics. */
  readonly growth: GrowthCounters;
  /** The bill as we know it. */
  readonly ledger: LedgerQueries;
  close(): void;
}

/** Opens the catalog; applies migrations. Throws ConfigError where the file cannot be used. */
export function openCatalog(options: CatalogOptions): OpenCatalog {
  const database = openDatabase(options.file, { create: options.create ?? true });
  const writer = createWriter(database.sqlite, options.file);
  const context = createContext(database, options);
  const search = createSearch(context, writer.write);
  return {
    ...createPort(context, writer.write),
    workerId: context.workerId,
    migrated: database.migrated,
    acceptRows: (json) => writer.write(() => acceptRows(context, JSON.parse(json))),
    registerServer: () => registerServer(context, writer.write),
    register: (concurrency = { generate: 0, archive: 0 }) => {
      const worker = { ...thisProcess(), worker_id: context.workerId, concurrency };
      return writer.write(() => registerWorker(context.db, { ...worker, now: context.now() }));
    },
    installationId: () => readInstallationId(context.db),
    claimInstallation: (id) => writer.write(() => claimInstallation(context.db, { id, now: context.now() })),
    isEmpty: () => isEmptyCatalog(context.db),
    markStopped: () => writer.write(() => markWorkerStopped(context.db, context.workerId, context.now())),
    listWorkers: () => listWorkers(context.db, context.now()),
    beat: () => writer.write(() => heartbeat(context.db, context.workerId, context.now())),
    listDeadWorkers: () => listDeadWorkers(context.db, context.now()),
    listLiveWorkers: () => listLiveWorkers(context.db, context.now()),
    settleAllDeadCalls: () => writer.write(() => settleDeadCalls(context)),
    countMissingImages: (ids) => countMissingImages(context, ids),
    retry: (requestId) => writer.write(() => retryRequest(context, requestId)),
    cancel: (requestId) => writer.write(() => cancelRequest(context, requestId)),
    recordReread: (call, record) => writer.write(() => recordReread(context, call, record)),
    adoptAnswerFile: (name) => writer.write(() => adoptAnswerFile(context, name)),
    counts: createCounts(context),
    invariants: () => readInvariants(context),
    secondsToNearestLoss: () => secondsToNearestLoss(context),
    *listRequests(filter) {
      for (const row of listRequests(context, filter)) yield toRequestRecord(row);
    },
    listArchivedImages: (query) => listArchivedImages(context, { query, search }),
    listUnfinished: () => listUnfinished(context),
    getManifestStatus: createManifestStatus(context),
    findArchivedImages: createFindArchivedImages(context),
    durationHistory: () => readDurationHistory(context),
    listMissingSidecars: () => listMissingSidecars(context),
    findWebhook: (eventId) => findWebhook(context, eventId),
    recordDelivery: (eventId, end) => writer.write(() => recordDelivery(context, eventId, end)),
    resendWebhooks: (requestId) => writer.write(() => resendWebhooks(context, requestId)),
    listPendingWebhooks: () => listPendingWebhooks(context),
    isSpoolFileDone: (name) => isSpoolFileDone(context, name),
    browse: createBrowse(context),
    similar: createSimilar(context),
    search,
    searchAssets: createAssetSearch(context, search),
    integrity: createIntegrityQueries(context, writer.write),
    reproductions: createReproductions(context, writer.write),
    edits: createRequestEdits(context, writer.write),
    backup: (file, onProgress) => backupDatabase(database.sqlite, { file, onProgress }),
    indexTexts: () => indexAll(context, writer.write),
    batches: createBatches(context, writer.write),
    schedules: createSchedules(context, writer.write),
    growth: createGrowthCounters(context),
    ledger: createLedger(context, writer.write),
    close: () => {
      writer.flush();
      database.close();
    },
  };
}

// under an id of its own: a process may be worker and server at once
async function registerServer({ db, now }: CatalogContext, write: Write): Promise<ServerRegistration> {
  const worker_id = randomUUID();
  const row = { ...thisProcess(), worker_id, concurrency: { generate: 0, archive: 0 }, role: "server" as const };
  await write(() => registerWorker(db, { ...row, now: now() }));
  return {
    beat: () => write(() => heartbeat(db, worker_id, now())),
    markStopped: () => write(() => markWorkerStopped(db, worker_id, now())),
  };
}

function createContext(database: Database, options: CatalogOptions): CatalogContext {
  const clock = options.clock ?? { now: Date.now };
  const { db } = database;
  return {
    db,
    reader: createReader(db),
    now: () => clock.now(),
    workerId: options.workerId ?? randomUUID(),
    maxUnarchivedImages: options.maxUnarchivedImages ?? Number.POSITIVE_INFINITY,
    mirrored: options.mirrored ?? false,
    price: options.price,
    isWorkerAlive: (workerId) => isWorkerAlive(db, workerId, clock.now()),
  };
}

function createPort(context: CatalogContext, write: Write): Catalog {
  return {
    accept: (request, origin) => write(() => acceptRequest(context, request, origin)),
    acceptFault: (fault) => write(() => acceptFault(context, fault)),
    find: async (requestId) => context.reader.detail(requestId),
    settleDeadCalls: (requestId) => write(() => settleThen(context, requestId)),
    reuse: (requestId) => write(() => reuseArchived(context, requestId)),
    holdOf: (requestId, images) => holdOf(context, write, { requestId, images }),
    reserveCall: (requestId, call) => write(() => reserveCall(context, requestId, call)),
    withdrawCall: (call, options) => write(() => withdrawCall(context, call, options)),
    closeCall: (call, end) => write(() => closeCall(context, call, end)),
    answerCall: (call, record: AnswerRecord) => write(() => answerCall(context, call, record)),
    countUnarchivedImages: async () => countUnarchivedImages(context),
    recordAsset: (image, asset, again) => write(() => recordAsset(context, image, { asset, ...again })),
    recordThumbnails: (digests) => write(() => recordThumbnails(context, digests)),
    recordError: (requestId, note) => write(() => recordError(context, requestId, note)),
    completePartially: (requestId, error) => write(() => completePartially(context, requestId, error)),
    recordSpoolFile: (image, spoolFile) => write(() => recordSpoolFile(context, image, spoolFile)),
    decodeAttempts: async (image) => decodeAttempts(context, image),
    markDecoding: (image) => write(() => markDecoding(context, image)),
    clearDecoding: (image) => write(() => clearDecoding(context, image)),
    markSidecarWritten: (requestId) => write(() => markSidecarWritten(context, requestId)),
    finish: (requestId, end) => write(() => setTerminalState(context, requestId, end)),
  };
}

function settleThen(context: CatalogContext, requestId: string): RequestDetail | undefined {
  settleDeadCalls(context, requestId);
  return context.reader.detail(requestId);
}
