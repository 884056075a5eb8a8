// The catalog: the pipeline's port over SQLite, and the questions that the command line and the servers ask.
import { randomUUID } from "node:crypto";
import type { AnswerRecord, Catalog, Clock } from "../pipeline/ports.ts";
import type { ArchivedImage, Call, RequestDetail, RequestRecord } from "../pipeline/records.ts";
import type { Price } from "../units.ts";
import { type AcceptedRows, acceptFault, acceptRequest, acceptRows } from "./accept.ts";
import { listArchivedImages } from "./archived-images.ts";
import { type Archived, createArchivedLookup } from "./archived-lookup.ts";
import { recordAsset } from "./assets.ts";
import { backupDatabase } from "./backup.ts";
import { type Batches, createBatches } from "./batches.ts";
import { type Browse, createBrowse } from "./browse.ts";
import { holdOf } from "./budget.ts";
import {
  adoptAnswerFile,
  answerCall,
  closeCall,
  countUnarchivedImages,
  recordReread,
  reserveCall,
  settleDeadCalls,
  withdrawCall,
} from "./calls.ts";
import { type Counts, createCounts, secondsToNearestLoss } from "./counts.ts";
import { type Database, openDatabase } from "./database.ts";
import { clearDecoding, decodeAttempts, markDecoding } from "./decode-marks.ts";
import {
  type Cancelled,
  cancelRequest,
  countMissingImages,
  finishRequest,
  noteError,
  noteSidecar,
  type Retried,
  retryRequest,
  settleForLess,
} from "./ends.ts";
import { createFigures, type Figures } from "./figures.ts";
import { type Invariants, readInvariants } from "./invariants.ts";
import { createKeeping, type Keeping } from "./keeping.ts";
import { createLedger, type LedgerQueries } from "./ledger.ts";
import { type ListFilter, listRequests } from "./listing.ts";
import { createLookup, type Experience, type Known, readExperience, type Wanted } from "./manifest-lookup.ts";
import type { Parts } from "./parts.ts";
import { thisProcess } from "./process-identity.ts";
import { createReader } from "./read.ts";
import { createReproductions, type Reproductions } from "./reproductions.ts";
import { reuseArchived } from "./reuse.ts";
import { toRequestRecord } from "./rows.ts";
import { createSchedules, type Schedules } from "./schedules.ts";
import { createSearch, type Search, type SearchQuery } from "./search.ts";
import { createAssetSearch, type SearchAssets } from "./search-assets.ts";
import { indexAll } from "./search-index.ts";
import { createSimilar, type Similar } from "./similar.ts";
import { isSpoolFileDone, noteSpooled } from "./spool-files.ts";
import { noteThumbnails } from "./thumbnails.ts";
import { createTidy, type Tidy } from "./tidy.ts";
import { listUnfinished, listUnsealed } from "./unfinished.ts";
import { type Delivered, findWebhook, listPendingWebhooks, noteDelivery, resendWebhooks } from "./webhooks.ts";
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
} from "./workers.ts";
import { createWriter, type Write } from "./writer.ts";

export interface CatalogOptions {
  /** Path of the SQLite file; made where there is none. */
  file: string;
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

/** The pipeline's port, and more. Whoever opened it closes it. */
export interface OpenCatalog extends Catalog {
  readonly workerId: string;
  readonly migrated: readonly string[];
  /** Records requests that came together, in one transaction. `json` is a list of rows, as `accept-row.ts` makes them. */
  acceptRows(json: string): Promise<AcceptedRows>;
  /** Makes this process known as a worker that lives. Call `beat` every HEARTBEAT_MS. */
  register(concurrency?: WorkerConcurrency): Promise<void>;
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
  lookUp(page: readonly Wanted[]): Known[];
  /** The images of those of these requests that are archived: a page of some hundred ids. */
  lookUpArchived(ids: readonly string[]): Map<string, Archived>;
  experience(): Experience;
  /** Requests that ended with calls on record and whose sidecar the store lacks: some hundred ids, in pages. */
  listUnsealed(): Generator<string[]>;
  findWebhook(eventId: string): ReturnType<typeof findWebhook>;
  noteDelivery(eventId: string, end: Delivered): Promise<void>;
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
  readonly keeping: Keeping;
  /** Recipes that were asked for again, and the proofs of what came. */
  readonly reproductions: Reproductions;
  /** Changes that people make afterwards. */
  readonly tidy: Tidy;
  /** Writes a consistent copy of the live database to `file`, which must not exist, and checks it. */
  backup(file: string, onProgress?: (share: number) => void): Promise<void>;
  /** Brings the full-text index up to what is recorded; resolves to how many requests it lacked. */
  indexTexts(): Promise<number>;
  readonly batches: Batches;
  readonly schedules: Schedules;
  /** Figures that only grow, for metrics. */
  readonly figures: Figures;
  /** The bill as we know it. */
  readonly ledger: LedgerQueries;
  close(): void;
}

/** Opens the catalog; applies migrations. Throws ConfigError where the file cannot be used. */
export function openCatalog(options: CatalogOptions): OpenCatalog {
  const database = openDatabase(options.file);
  const writer = createWriter(database.sqlite, options.file);
  const parts = createParts(database, options);
  const search = createSearch(parts, writer.write);
  return {
    ...createPort(parts, writer.write),
    workerId: parts.workerId,
    migrated: database.migrated,
    acceptRows: (json) => writer.write(() => acceptRows(parts, JSON.parse(json))),
    register: (concurrency = { generate: 0, archive: 0 }) => {
      const worker = { ...thisProcess(), worker_id: parts.workerId, concurrency };
      return writer.write(() => registerWorker(parts.db, { ...worker, now: parts.now() }));
    },
    markStopped: () => writer.write(() => markWorkerStopped(parts.db, parts.workerId, parts.now())),
    listWorkers: () => listWorkers(parts.db, parts.now()),
    beat: () => writer.write(() => heartbeat(parts.db, parts.workerId, parts.now())),
    listDeadWorkers: () => listDeadWorkers(parts.db, parts.now()),
    listLiveWorkers: () => listLiveWorkers(parts.db, parts.now()),
    settleAllDeadCalls: () => writer.write(() => settleDeadCalls(parts)),
    countMissingImages: (ids) => countMissingImages(parts, ids),
    retry: (requestId) => writer.write(() => retryRequest(parts, requestId)),
    cancel: (requestId) => writer.write(() => cancelRequest(parts, requestId)),
    recordReread: (call, record) => writer.write(() => recordReread(parts, call, record)),
    adoptAnswerFile: (name) => writer.write(() => adoptAnswerFile(parts, name)),
    counts: createCounts(parts),
    invariants: () => readInvariants(parts),
    secondsToNearestLoss: () => secondsToNearestLoss(parts),
    *listRequests(filter) {
      for (const row of listRequests(parts, filter)) yield toRequestRecord(row);
    },
    listArchivedImages: (query) => listArchivedImages(parts, { query, search }),
    listUnfinished: () => listUnfinished(parts),
    lookUp: createLookup(parts),
    lookUpArchived: createArchivedLookup(parts),
    experience: () => readExperience(parts),
    listUnsealed: () => listUnsealed(parts),
    findWebhook: (eventId) => findWebhook(parts, eventId),
    noteDelivery: (eventId, end) => writer.write(() => noteDelivery(parts, eventId, end)),
    resendWebhooks: (requestId) => writer.write(() => resendWebhooks(parts, requestId)),
    listPendingWebhooks: () => listPendingWebhooks(parts),
    isSpoolFileDone: (name) => isSpoolFileDone(parts, name),
    browse: createBrowse(parts),
    similar: createSimilar(parts),
    search,
    searchAssets: createAssetSearch(parts, search),
    keeping: createKeeping(parts, writer.write),
    reproductions: createReproductions(parts, writer.write),
    tidy: createTidy(parts, writer.write),
    backup: (file, onProgress) => backupDatabase(database.sqlite, { file, onProgress }),
    indexTexts: () => indexAll(parts, writer.write),
    batches: createBatches(parts, writer.write),
    schedules: createSchedules(parts, writer.write),
    figures: createFigures(parts),
    ledger: createLedger(parts, writer.write),
    close: () => {
      writer.flush();
      database.close();
    },
  };
}

function createParts(database: Database, options: CatalogOptions): Parts {
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

function createPort(parts: Parts, write: Write): Catalog {
  return {
    accept: (request, origin) => write(() => acceptRequest(parts, request, origin)),
    acceptFault: (fault) => write(() => acceptFault(parts, fault)),
    find: async (requestId) => parts.reader.detail(requestId),
    settleDeadCalls: (requestId) => write(() => settleThen(parts, requestId)),
    reuse: (requestId) => write(() => reuseArchived(parts, requestId)),
    holdOf: (requestId, images) => holdOf(parts, write, { requestId, images }),
    reserveCall: (requestId, call) => write(() => reserveCall(parts, requestId, call)),
    withdrawCall: (call, options) => write(() => withdrawCall(parts, call, options)),
    closeCall: (call, end) => write(() => closeCall(parts, call, end)),
    answerCall: (call, record: AnswerRecord) => write(() => answerCall(parts, call, record)),
    countUnarchivedImages: async () => countUnarchivedImages(parts),
    recordAsset: (image, asset, again) => write(() => recordAsset(parts, image, { asset, ...again })),
    noteThumbnails: (digests) => write(() => noteThumbnails(parts, digests)),
    noteError: (requestId, note) => write(() => noteError(parts, requestId, note)),
    settleForLess: (requestId, error) => write(() => settleForLess(parts, requestId, error)),
    noteSpooled: (image, spoolFile) => write(() => noteSpooled(parts, image, spoolFile)),
    decodeAttempts: async (image) => decodeAttempts(parts, image),
    markDecoding: (image) => write(() => markDecoding(parts, image)),
    clearDecoding: (image) => write(() => clearDecoding(parts, image)),
    noteSidecar: (requestId) => write(() => noteSidecar(parts, requestId)),
    finish: (requestId, end) => write(() => finishRequest(parts, requestId, end)),
  };
}

function settleThen(parts: Parts, requestId: string): RequestDetail | undefined {
  settleDeadCalls(parts, requestId);
  return parts.reader.detail(requestId);
}
