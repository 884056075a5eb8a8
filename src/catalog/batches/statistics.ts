// What the report of a batch tells of its items one by one. All of them are looked at, a stretch at a time, and between two
// of them everything else of the process has its turn: a million of them take many seconds.
import { setImmediate } from "node:timers/promises";
import type { Call, RequestState } from "../../domain/records.ts";
import type { CatalogContext } from "../context.ts";
import { listInManifestOrder, MANIFEST_START } from "./manifest-order.ts";
import {
  type BatchImage,
  type EndOf,
  type NamedItem,
  type RowRange,
  type Slow,
  STRETCH,
  type StatisticsStatements,
  statisticsStatements,
} from "./statistics-statements.ts";

/** Failed, parked or cancelled items of one reason. */
export interface BatchReason {
  state: RequestState;
  code: string;
  /** One of the messages. */
  message: string;
  number: number;
  /** The first of them. */
  requests: NamedItem[];
}

export interface BatchStatistics {
  /** Images archived for it, and their bytes. */
  images: number;
  bytes: number;
  /** Items that were there before the batch and are archived now, and their images. */
  before: { items: number; images: number };
  /** From the first call that was charged to it to the end of the last one. */
  worked: { from: number | null; to: number | null };
  /** From the first call to the archive. */
  slowest: Slow[];
  /** The most frequent one first. */
  reasons: BatchReason[];
  /** The first images in the order of its manifest. */
  sheet: BatchImage[];
}

/** How many are named of each. */
export interface StatisticsLimits {
  sheet: number;
  ids: number;
}

const SLOWEST = 5;

// what has ended comes last: an item that ends meanwhile is rather seen twice than not at all
const STATES: RequestState[] = ["queued", "generating", "copying", "parked", "failed", "cancelled", "archived"];
const CALL_STATES: Call["state"][] = ["sent", "answered", "refused", "unknown"];

/** Looks at all items of a batch. */
export async function computeBatchStatistics(
  context: CatalogContext,
  batchId: string,
  limits: StatisticsLimits,
): Promise<BatchStatistics> {
  const statements = statisticsStatements(context.db);
  const survey: BatchStatistics = { ...NOTHING, reasons: [] };
  for await (const stretch of chunkRows(statements.endOfItems, { batchId, states: STATES })) {
    const kept = statements.kept.get(stretch);
    survey.images += kept?.images ?? 0;
    survey.bytes += kept?.bytes ?? 0;
    if (ENDED.has(stretch.state)) addReasons(survey.reasons, { stretch, statements, ids: limits.ids });
    if (stretch.state !== "archived") continue;
    const slow = [...survey.slowest, ...statements.slowest.all({ ...stretch, limit: SLOWEST })];
    survey.slowest = slow.toSorted((a, b) => b.took_ms - a.took_ms).slice(0, SLOWEST);
  }
  survey.reasons.sort((a, b) => b.number - a.number);
  survey.before = await countBefore(statements, batchId);
  survey.sheet = await readSheet(context, batchId, limits.sheet);
  survey.worked = await timeOfCalls(statements, batchId);
  return survey;
}

const NOTHING = {
  images: 0,
  bytes: 0,
  before: { items: 0, images: 0 },
  worked: { from: null, to: null },
  slowest: [],
  sheet: [],
};

async function countBefore(statements: StatisticsStatements, batchId: string): Promise<BatchStatistics["before"]> {
  const before = { items: 0, images: 0 };
  for (let after = 0; ; ) {
    await setImmediate();
    const items = statements.before.all({ batchId, after });
    for (const { n } of items.filter(({ state }) => state === "archived")) {
      before.items += 1;
      before.images += n ?? 0;
    }
    after = items.at(-1)?.item ?? after;
    if (items.length < STRETCH) return before;
  }
}

/** The first images in the order of the manifest, whichever run made them. */
export async function readSheet(context: CatalogContext, batchId: string, limit: number): Promise<BatchImage[]> {
  const { images } = statisticsStatements(context.db);
  const sheet: BatchImage[] = [];
  for (let after = MANIFEST_START; ; ) {
    await setImmediate();
    const items = listInManifestOrder(context, batchId, { after, limit: STRETCH });
    const rows = JSON.stringify(items.map(({ row_number }) => row_number));
    sheet.push(...images.all({ rows, limit: limit - sheet.length }));
    after = items.at(-1) ?? after;
    if (sheet.length >= limit || items.length < STRETCH) return sheet;
  }
}

async function timeOfCalls(statements: StatisticsStatements, batchId: string): Promise<BatchStatistics["worked"]> {
  let worked: BatchStatistics["worked"] = { from: null, to: null };
  for await (const stretch of chunkRows(statements.endOfCalls, { batchId, states: CALL_STATES })) {
    const { from, to } = statements.worked.get(stretch) ?? worked;
    worked = { from: pick(Math.min, worked.from, from), to: pick(Math.max, worked.to, to) };
  }
  return worked;
}

function pick(of: (a: number, b: number) => number, known: number | null, more: number | null): number | null {
  return known === null || more === null ? (known ?? more) : of(known, more);
}

interface Reasons {
  stretch: RowRange;
  statements: StatisticsStatements;
  ids: number;
}

function addReasons(reasons: BatchReason[], { stretch, statements, ids }: Reasons): void {
  for (const { code, number, message } of statements.reasons.all(stretch)) {
    let reason = reasons.find((one) => one.state === stretch.state && one.code === code);
    if (reason === undefined) {
      reason = { state: stretch.state as RequestState, code, number: 0, message, requests: [] };
      reasons.push(reason);
    }
    reason.number += number;
    if (message < reason.message) reason.message = message;
    const lacking = ids - reason.requests.length;
    if (lacking > 0) reason.requests.push(...statements.named.all({ ...stretch, code, limit: lacking }));
  }
}

/** What failed or is parked, by its reason, in one look: for a person who asks about one batch. The most frequent first. */
export function failuresOf(context: CatalogContext, batchId: string, ids: number): BatchReason[] {
  const reasons: BatchReason[] = [];
  for (const state of ["failed", "parked"] as const) {
    const stretch = { batchId, state, after: 0, until: Number.MAX_SAFE_INTEGER };
    addReasons(reasons, { stretch, statements: statisticsStatements(context.db), ids });
  }
  return reasons.sort((a, b) => b.number - a.number);
}

const ENDED: ReadonlySet<string> = new Set(["failed", "parked", "cancelled"]);

/** Rows from end to end, state by state, in the order of the index by batch and state; a turn of the process before each. */
async function* chunkRows(
  endOf: EndOf,
  { batchId, states }: { batchId: string; states: readonly RowRange["state"][] },
): AsyncGenerator<RowRange> {
  for (const state of states) {
    let after: number | undefined = 0;
    while (after !== undefined) {
      await setImmediate();
      const until = endOf({ batchId, state, after });
      yield { batchId, state, after, until: until ?? Number.MAX_SAFE_INTEGER };
      after = until;
    }
  }
}
