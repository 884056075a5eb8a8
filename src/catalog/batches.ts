// Batches: how one begins, changes, goes on and is reported. Its items are in batch-items.ts, its end in batch-ends.ts.

import type { Batch } from "../pipeline/batch.ts";
import type { ExistingItem } from "../pipeline/batch-sidecar.ts";
import type { RequestRecord, RequestState } from "../pipeline/records.ts";
import type { Json } from "../request/canonical-json.ts";
import { cancelBatch, settleBatch } from "./batch-ends.ts";
import {
  type BatchFigures,
  countArchivedBefore,
  countItems,
  createIsStarved,
  figuresOf,
  isMoving,
  listItems,
} from "./batch-figures.ts";
import { inherit } from "./batch-inherit.ts";
import { createAcceptItems, createFindConflicts } from "./batch-items.ts";
import { type BatchReason, type BatchSurvey, failuresOf, type SurveyLimits, surveyBatch } from "./batch-survey.ts";
import { createTelling, isUntold, type Telling } from "./batch-telling.ts";
import { listExistingItems } from "./manifest-order.ts";
import { and, desc, eq, inArray, isNull, lt, or, sql } from "./orm.ts";
import type { Parts } from "./parts.ts";
import { batchExistingItems, batches } from "./schema-batches.ts";
import type { Write } from "./writer.ts";
import { type Accepted, type BatchItem, parseWritten, type Taken, toAccepted, toWritten } from "./written-items.ts";

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
export interface Batches extends Telling {
  /** Begins a batch; where the same manifest is unfinished in one already, that one goes on, with the limits given now. */
  begin(batch: NewBatch): Promise<{ batch: Batch; goesOn: boolean }>;
  acceptItems(batchId: string, items: readonly BatchItem[]): Promise<Taken[]>;
  /** The same for lines with a `WrittenItem` on each, as bytes: those cost nothing on their way to another thread. */
  acceptWritten(batchId: string, lines: Uint8Array): Promise<Accepted>;
  /** A batch whose items are all known: begun, filled and closed in one commit, so that it is never left half-way. */
  acceptWhole(batch: NewBatch & { batch_id: string }, items: readonly BatchItem[]): Promise<Taken[]>;
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
  inherit(batchId: string): Promise<number>;
  /** Whether items wait and not one of them may go on, within the limits of the batch; of a large one as it was some seconds ago. */
  isStarved(batchId: string): boolean;
  /** Whether a call of it is out or an image is being copied. */
  isMoving(batchId: string): boolean;
  countItems(batchId: string): Record<RequestState, number>;
  /** Items that were there before this batch and are archived now. */
  countArchivedBefore(batchId: string): number;
  figures(batchId: string): BatchFigures;
  /** Items that belong to another batch or to none, in the order of its manifest, at most `limit`. */
  listExistingItems(batchId: string, limit: number): ExistingItem[];
  listItems(batchId: string, states: readonly RequestState[]): Generator<RequestRecord[]>;
  /** What failed or is parked, by its reason, with the first items of each. */
  failures(batchId: string, ids: number): BatchReason[];
  /** What its report tells of its items one by one; of very many it takes a while. */
  survey(batchId: string, limits: SurveyLimits): Promise<BatchSurvey>;
  /** Leave to write the report of this rest, given to one process at a time and never again once it is written. */
  claimReport(batchId: string, rest: string): Promise<boolean>;
  noteReport(batchId: string, report: { rest: string; key: string; result: Json }): Promise<void>;
}

/** Who claimed a report and did not write it is believed for so long, in ms. */
const CLAIM_MS = 60_000;

export function createBatches(parts: Parts, write: Write): Batches {
  const acceptItems = createAcceptItems(parts);
  return {
    begin: (batch) => write(() => beginBatch(parts, batch)),
    acceptItems: (batchId, items) => write(() => acceptItems(batchId, items.map(toWritten)), { large: true }),
    acceptWritten: (batchId, lines) =>
      write(() => toAccepted(acceptItems(batchId, parseWritten(lines))), { large: true }),
    acceptWhole: (batch, items) => {
      const accept = () => {
        beginBatch(parts, batch);
        const taken = acceptItems(batch.batch_id, items.map(toWritten));
        endEnqueuing(parts, batch.batch_id);
        return taken;
      };
      return write(accept, { large: true });
    },
    findConflicts: createFindConflicts(parts),
    endEnqueuing: (batchId) => write(() => endEnqueuing(parts, batchId)),
    change: (batchId, change) => write(() => changeBatch(parts, batchId, change)),
    cancel: (batchId) => write(() => cancelBatch(parts, batchId)),
    find: (batchId) => parts.reader.batch(batchId),
    list: (filter) => listBatches(parts, filter),
    listOpen: () => listOpen(parts),
    inherit: (batchId) => inherit(parts, write, batchId),
    isStarved: createIsStarved(parts),
    isMoving: (batchId) => isMoving(parts, batchId),
    countItems: (batchId) => countItems(parts, batchId),
    countArchivedBefore: (batchId) => countArchivedBefore(parts, batchId),
    figures: (batchId) => figuresOf(parts, batchId),
    listExistingItems: (batchId, limit) => listExistingItems(parts, batchId, limit),
    listItems: (batchId, states) => listItems(parts, batchId, states),
    failures: (batchId, ids) => failuresOf(parts, batchId, ids),
    survey: (batchId, limits) => surveyBatch(parts, batchId, limits),
    claimReport: (batchId, rest) => write(() => claimReport(parts, batchId, rest)),
    ...createTelling(parts, write),
    noteReport: (batchId, report) => write(() => noteReport(parts, batchId, report)),
  };
}

function beginBatch(parts: Parts, batch: NewBatch): { batch: Batch; goesOn: boolean } {
  const open = parts.db
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
    const row = { ...batch, state: "enqueuing" as const, created_at: parts.now() };
    return { batch: parts.db.insert(batches).values(row).returning().get(), goesOn: false };
  }
  const { batch_id: _, name: _name, schedule: _schedule, ...given } = batch;
  // what leaves no trace in a row of its own is counted again by each reading
  parts.db.delete(batchExistingItems).where(eq(batchExistingItems.batch_id, open.batch_id)).run();
  const anew = { existing: 0, elsewhere: 0, duplicates: 0, paused: false, state: "enqueuing" as const };
  const going = parts.db
    .update(batches)
    .set({ ...given, ...anew })
    .where(eq(batches.batch_id, open.batch_id))
    .returning()
    .get();
  return { batch: going as Batch, goesOn: true };
}

function endEnqueuing(parts: Parts, batchId: string): Batch {
  parts.db
    .update(batches)
    .set({ state: "running", enqueued_at: parts.now() })
    .where(and(eq(batches.batch_id, batchId), eq(batches.state, "enqueuing")))
    .run();
  settleBatch(parts, batchId);
  return parts.reader.batch(batchId) as Batch;
}

function changeBatch(parts: Parts, batchId: string, change: BatchChange): Batch | undefined {
  if (Object.keys(change).length > 0) parts.db.update(batches).set(change).where(eq(batches.batch_id, batchId)).run();
  return parts.reader.batch(batchId);
}

function listBatches(parts: Parts, { schedule, limit = 100 }: { schedule?: string; limit?: number } = {}): Batch[] {
  return parts.db
    .select()
    .from(batches)
    .where(schedule === undefined ? undefined : eq(batches.schedule, schedule))
    .orderBy(desc(batches.created_at))
    .limit(limit)
    .all();
}

function listOpen(parts: Parts): Batch[] {
  return parts.db
    .select()
    .from(batches)
    .where(
      or(isNull(batches.finished_at), isNull(batches.reported), lt(batches.reported_at, batches.finished_at), isUntold),
    )
    .all();
}

function claimReport(parts: Parts, batchId: string, rest: string): boolean {
  const now = parts.now();
  const claimed = parts.db
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

function noteReport(parts: Parts, batchId: string, report: { rest: string; key: string; result: Json }): void {
  parts.db
    .update(batches)
    .set({
      reported: report.rest,
      report_key: report.key,
      result: report.result,
      reported_at: parts.now(),
      report_claimed_at: null,
      tell_attempts: 0,
      tell_at: null,
    })
    .where(eq(batches.batch_id, batchId))
    .run();
}
