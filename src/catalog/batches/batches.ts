// Batches: how one begins, changes, goes on and is reported. Its items are in batch-items.ts, its end in batch-ends.ts.

import type { Batch } from "../../domain/batch.ts";
import type { ExistingItem } from "../../domain/batch-sidecar.ts";
import type { RequestRecord, RequestState } from "../../domain/records.ts";
import type { Json } from "../../domain/request/canonical-json.ts";
import type { CatalogContext } from "../context.ts";
import { and, desc, eq, inArray, isNull, lt, or, sql } from "../db/orm.ts";
import type { Write } from "../db/writer.ts";
import { batchExistingItems, batches } from "../schema/batches.ts";
import { adoptItems } from "./adopt-items.ts";
import {
  type Accepted,
  type BatchItem,
  decodeItems,
  encodeItem,
  type ItemResult,
  toAccepted,
} from "./encoded-items.ts";
import { createAcceptItems, createFindConflicts } from "./items.ts";
import { listExistingItems } from "./manifest-order.ts";
import { type BatchNotifications, createBatchNotifications, isNotificationPending } from "./notifications.ts";
import {
  type BatchReason,
  type BatchStatistics,
  computeBatchStatistics,
  failuresOf,
  readSheet,
  type StatisticsLimits,
} from "./statistics.ts";
import type { BatchImage } from "./statistics-statements.ts";
import {
  type BatchStats,
  batchStatsOf,
  countArchivedBefore,
  countItems,
  createIsBudgetExhausted,
  hasWorkInFlight,
  listItems,
} from "./stats.ts";
import { cancelBatch, settleBatch } from "./transitions.ts";

/** What may be set when a batch begins and changed when it goes on. */
export type BatchChange = Partial<
  Pick<
    Batch,
    | "paused"
    | "window"
    | "tz"
    | "opens_at"
    | "closes_at"
    | "max_images"
    | "webhook_url"
    | "price_micros"
    | "price_currency"
  >
>;

/** A batch that is to begin. */
export type NewBatch = Pick<
  Batch,
  "batch_id" | "name" | "manifest" | "manifest_digest" | "schedule" | "items" | "invalid"
> &
  BatchChange;

/** Everything about batches that the rest of the program may ask or change. */
export interface Batches extends BatchNotifications {
  /** Begins a batch; where the same manifest is unfinished in one already, that one goes on, with the limits given now. */
  start(batch: NewBatch): Promise<{ batch: Batch; goesOn: boolean }>;
  acceptItems(batchId: string, items: readonly BatchItem[]): Promise<ItemResult[]>;
  /** The same for lines with a `EncodedItem` on each, as bytes: those cost nothing on their way to another thread. */
  acceptEncoded(batchId: string, lines: Uint8Array): Promise<Accepted>;
  /** A batch whose items are all known: begun, filled and closed in one commit, so that it is never left half-way. */
  acceptWhole(batch: NewBatch & { batch_id: string }, items: readonly BatchItem[]): Promise<ItemResult[]>;
  /** Which of these ids hold other content in the catalog. */
  findConflicts: ReturnType<typeof createFindConflicts>;
  /** The manifest has been read to its end. */
  endEnqueuing(batchId: string): Promise<Batch>;
  /** Undefined where there is no such batch. */
  change(batchId: string, change: BatchChange): Promise<Batch | undefined>;
  cancel(batchId: string): Promise<boolean>;
  find(batchId: string): Batch | undefined;
  /** Newest first. */
  list(filter?: { schedule?: string; limit?: number }): Batch[];
  /** Batches that are not finished, or whose report or webhook is owed. */
  listOpen(): Batch[];
  /** Moves what is unfinished in the earlier batches of a schedule into this one, page by page; resolves to how many. */
  adoptItems(batchId: string): Promise<number>;
  /** Whether items wait and not one of them may go on, within the limits of the batch; of a large one as it was some seconds ago. */
  isBudgetExhausted(batchId: string): boolean;
  /** Whether a call of it is out or an image is being copied. */
  hasWorkInFlight(batchId: string): boolean;
  countItems(batchId: string): Record<RequestState, number>;
  /** Items that were there before this batch and are archived now. */
  countArchivedBefore(batchId: string): number;
  stats(batchId: string): BatchStats;
  /** Items that belong to another batch or to none, in the order of its manifest, at most `limit`. */
  listExistingItems(batchId: string, limit: number): ExistingItem[];
  listItems(batchId: string, states: readonly RequestState[]): Generator<RequestRecord[]>;
  /** What failed or is parked, by its reason, with the first items of each. */
  failures(batchId: string, ids: number): BatchReason[];
  /** What its report tells of its items one by one; of very many it takes a while. */
  statistics(batchId: string, limits: StatisticsLimits): Promise<BatchStatistics>;
  /** The first archived images of a batch, in the order of its manifest, at most `limit`. */
  firstImages(batchId: string, limit: number): Promise<BatchImage[]>;
  /** Leave to write the report of this rest, given to one process at a time and never again once it is written. */
  claimReport(batchId: string, rest: string): Promise<boolean>;
  recordReport(batchId: string, report: { rest: string; key: string; result: Json }): Promise<void>;
}

/** Who claimed a report and did not write it is believed for so long, in ms. */
const CLAIM_MS = 60_000;

export function createBatches(context: CatalogContext, write: Write): Batches {
  const acceptItems = createAcceptItems(context);
  return {
    start: (batch) => write(() => startBatch(context, batch)),
    acceptItems: (batchId, items) => write(() => acceptItems(batchId, items.map(encodeItem)), { large: true }),
    acceptEncoded: (batchId, lines) =>
      write(() => toAccepted(acceptItems(batchId, decodeItems(lines))), { large: true }),
    acceptWhole: (batch, items) => {
      const accept = () => {
        startBatch(context, batch);
        const taken = acceptItems(batch.batch_id, items.map(encodeItem));
        endEnqueuing(context, batch.batch_id);
        return taken;
      };
      return write(accept, { large: true });
    },
    findConflicts: createFindConflicts(context),
    endEnqueuing: (batchId) => write(() => endEnqueuing(context, batchId)),
    change: (batchId, change) => write(() => changeBatch(context, batchId, change)),
    cancel: (batchId) => write(() => cancelBatch(context, batchId)),
    find: (batchId) => context.reader.batch(batchId),
    list: (filter) => listBatches(context, filter),
    listOpen: () => listOpen(context),
    adoptItems: (batchId) => adoptItems(context, write, batchId),
    isBudgetExhausted: createIsBudgetExhausted(context),
    hasWorkInFlight: (batchId) => hasWorkInFlight(context, batchId),
    countItems: (batchId) => countItems(context, batchId),
    countArchivedBefore: (batchId) => countArchivedBefore(context, batchId),
    stats: (batchId) => batchStatsOf(context, batchId),
    listExistingItems: (batchId, limit) => listExistingItems(context, batchId, limit),
    listItems: (batchId, states) => listItems(context, batchId, states),
    failures: (batchId, ids) => failuresOf(context, batchId, ids),
    statistics: (batchId, limits) => computeBatchStatistics(context, batchId, limits),
    firstImages: (batchId, limit) => readSheet(context, batchId, limit),
    claimReport: (batchId, rest) => write(() => claimReport(context, batchId, rest)),
    ...createBatchNotifications(context, write),
    recordReport: (batchId, report) => write(() => noteReport(context, batchId, report)),
  };
}

function startBatch(context: CatalogContext, batch: NewBatch): { batch: Batch; goesOn: boolean } {
  const open = context.db
    .select()
    .from(batches)
    .where(
      and(
        eq(batches.manifest_digest, batch.manifest_digest),
        batch.schedule === null ? isNull(batches.schedule) : eq(batches.schedule, batch.schedule),
        inArray(batches.state, ["enqueuing", "running"]),
      ),
    )
    .orderBy(desc(batches.created_at))
    .get();
  if (open === undefined) {
    const row = { ...batch, state: "enqueuing" as const, created_at: context.now() };
    return { batch: context.db.insert(batches).values(row).returning().get(), goesOn: false };
  }
  const { batch_id: _, name: _name, schedule: _schedule, ...given } = batch;
  // what leaves no trace in a row of its own is counted again by each reading
  context.db.delete(batchExistingItems).where(eq(batchExistingItems.batch_id, open.batch_id)).run();
  const anew = { existing: 0, owned_elsewhere: 0, duplicates: 0, paused: false, state: "enqueuing" as const };
  const going = context.db
    .update(batches)
    .set({ ...given, ...anew })
    .where(eq(batches.batch_id, open.batch_id))
    .returning()
    .get();
  return { batch: going as Batch, goesOn: true };
}

function endEnqueuing(context: CatalogContext, batchId: string): Batch {
  context.db
    .update(batches)
    .set({ state: "running", enqueued_at: context.now() })
    .where(and(eq(batches.batch_id, batchId), eq(batches.state, "enqueuing")))
    .run();
  settleBatch(context, batchId);
  return context.reader.batch(batchId) as Batch;
}

function changeBatch(context: CatalogContext, batchId: string, change: BatchChange): Batch | undefined {
  if (Object.keys(change).length > 0) context.db.update(batches).set(change).where(eq(batches.batch_id, batchId)).run();
  return context.reader.batch(batchId);
}

function listBatches(
  context: CatalogContext,
  { schedule, limit = 100 }: { schedule?: string; limit?: number } = {},
): Batch[] {
  return context.db
    .select()
    .from(batches)
    .where(schedule === undefined ? undefined : eq(batches.schedule, schedule))
    .orderBy(desc(batches.created_at))
    .limit(limit)
    .all();
}

function listOpen(context: CatalogContext): Batch[] {
  return context.db
    .select()
    .from(batches)
    .where(
      or(
        isNull(batches.finished_at),
        isNull(batches.reported),
        lt(batches.reported_at, batches.finished_at),
        isNotificationPending,
      ),
    )
    .all();
}

function claimReport(context: CatalogContext, batchId: string, rest: string): boolean {
  const now = context.now();
  const claimed = context.db
    .update(batches)
    .set({ report_claimed_at: now })
    .where(
      and(
        eq(batches.batch_id, batchId),
        sql`${batches.reported} is not ${rest}`,
        or(isNull(batches.report_claimed_at), lt(batches.report_claimed_at, now - CLAIM_MS)),
      ),
    )
    .run();
  return claimed.changes === 1;
}

function noteReport(
  context: CatalogContext,
  batchId: string,
  report: { rest: string; key: string; result: Json },
): void {
  context.db
    .update(batches)
    .set({
      reported: report.rest,
      report_key: report.key,
      result: report.result,
      reported_at: context.now(),
      report_claimed_at: null,
      notify_attempts: 0,
      notify_after: null,
    })
    .where(eq(batches.batch_id, batchId))
    .run();
}
