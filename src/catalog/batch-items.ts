// How the items of a manifest enter the catalog: many in one transaction, each once, however often the manifest is read.
import { toJobId } from "../request/request-id.ts";
import type { Request } from "../request/submission.ts";
import { settleBatch } from "./batch-ends.ts";
import { retryRequest } from "./ends.ts";
import { eq, sql } from "./orm.ts";
import type { Parts } from "./parts.ts";
import { createRequestInsert } from "./request-insert.ts";
import { type RequestRow, toRequestRow } from "./rows.ts";
import { requests } from "./schema.ts";
import { batches } from "./schema-batches.ts";

/** One item: what it asks for, and its place in the manifest, from 1. */
export interface BatchItem {
  request: Request;
  item: number;
  /** The manifest has the very same request further up. */
  isDuplicate?: boolean;
  /** The request that this one is to be compared with. */
  reproduces?: string;
}

/**
 * What became of an item.
 *
 * | its id in the catalog | taken | job |
 * |---|---|---|
 * | (the manifest has it further up) | duplicate | – |
 * | unknown | accepted | generate |
 * | this batch's, the same item | ours (an earlier reading took it) | where it is unfinished |
 * | this batch's, another item | duplicate | – |
 * | this batch's, inherited from an earlier night | accepted | where it is unfinished |
 * | archived | existing | – |
 * | failed, cancelled | retried | generate, or archive where its images can still be fetched |
 * | unfinished in another batch | accepted: it moves to this one | generate |
 * | parked, being copied, or asked for on its own | elsewhere | – |
 * | other content under the same id | conflict | – |
 */
export type TakenAs = "accepted" | "ours" | "duplicate" | "existing" | "retried" | "elsewhere" | "conflict";

export interface Taken {
  request_id: string;
  item: number;
  as: TakenAs;
  /** The queue in which it belongs now; null where it needs no job. */
  job: "generate" | "archive" | null;
  /** Whether the catalog knew it already: then an old job may stand in the way of a new one. */
  known: boolean;
}

export type AcceptItems = (batchId: string, items: readonly BatchItem[]) => Taken[];

/** Takes a chunk of items into a batch and counts them, in one transaction that the caller opens. */
export function createAcceptItems(parts: Parts): AcceptItems {
  const insert = createRequestInsert(parts);
  const findKnown = prepareFindKnown(parts);
  return (batchId, items) => {
    const left = new Set<string>();
    const known = findKnown(items.map(({ request }) => request.request_id));
    const rowOf = (id: string) => (known.has(id) ? parts.reader.row(id) : undefined);
    const taken = items.map(({ request, item, isDuplicate, reproduces }): Taken => {
      if (isDuplicate) return { request_id: request.request_id, item, as: "duplicate", job: null, known: true };
      const row = rowOf(request.request_id);
      if (row !== undefined)
        return {
          request_id: request.request_id,
          item,
          known: true,
          ...takeKnown(parts, { row, request, item, batchId, left }),
        };
      insert({
        ...toRequestRow(request, { jobId: toJobId(request.request_id), batchId, reproduces, now: parts.now() }),
        batch_item: item,
      });
      known.add(request.request_id);
      return { request_id: request.request_id, item, as: "accepted", job: "generate", known: false };
    });
    count(parts, batchId, taken);
    for (const other of left) settleBatch(parts, other);
    return taken;
  };
}

interface Known {
  row: RequestRow;
  request: Request;
  item: number;
  batchId: string;
  /** Batches that items were taken from. */
  left: Set<string>;
}

function takeKnown(parts: Parts, known: Known): Pick<Taken, "as" | "job"> {
  const { row, request, batchId } = known;
  if (row.content_hash !== request.content_hash) return { as: "conflict", job: null };
  if (row.batch_id === batchId) return takeOwn(parts, known);
  switch (row.state) {
    case "archived":
      return { as: "existing", job: null };
    case "failed":
    case "cancelled":
      return { as: "retried", job: bringBack(parts, known) };
    case "queued":
    case "generating":
      if (row.batch_id === null) return { as: "elsewhere", job: null };
      move(parts, known);
      return { as: "accepted", job: "generate" };
    default:
      return { as: "elsewhere", job: null };
  }
}

function takeOwn(parts: Parts, known: Known): Pick<Taken, "as" | "job"> {
  const { row, item } = known;
  const job = row.state === "queued" || row.state === "generating" ? "generate" : null;
  // an earlier reading of this manifest was interrupted: what it recorded may have no job yet
  if (row.batch_item === item) return { as: "ours", job };
  if (row.batch_item !== null) return { as: "duplicate", job: null };
  // inherited from an earlier night, and still in the manifest
  move(parts, known);
  return { as: "accepted", job };
}

function bringBack(parts: Parts, known: Known): "generate" | "archive" {
  const { row } = known;
  move(parts, known);
  const retried = row.state === "failed" ? retryRequest(parts, row.request_id) : undefined;
  if (retried !== undefined) return retried.stage;
  parts.db
    .update(requests)
    .set({ state: "queued", attempt: 0, error_code: null, error_message: null, sidecar_at: null })
    .where(eq(requests.request_id, row.request_id))
    .run();
  return "generate";
}

function move(parts: Parts, { row, item, batchId, left }: Known): void {
  parts.db
    .update(requests)
    .set({ batch_id: batchId, batch_item: item, updated_at: parts.now() })
    .where(eq(requests.request_id, row.request_id))
    .run();
  if (row.batch_id !== null && row.batch_id !== batchId) left.add(row.batch_id);
}

function count(parts: Parts, batchId: string, taken: readonly Taken[]): void {
  const of = (as: TakenAs) => taken.filter((one) => one.as === as).length;
  parts.db
    .update(batches)
    .set({
      accepted: sql`${batches.accepted} + ${of("accepted")}`,
      retried: sql`${batches.retried} + ${of("retried")}`,
      existing: sql`${batches.existing} + ${of("existing")}`,
      elsewhere: sql`${batches.elsewhere} + ${of("elsewhere")}`,
      duplicates: sql`${batches.duplicates} + ${of("duplicate")}`,
      invalid: sql`${batches.invalid} + ${of("conflict")}`,
    })
    .where(eq(batches.batch_id, batchId))
    .run();
}

/** Which ids are taken: most of a manifest is new, and asked for all at once that costs next to nothing. */
function prepareFindKnown({ db }: Parts): (ids: readonly string[]) => Set<string> {
  const statement = db
    .select({ request_id: requests.request_id })
    .from(requests)
    .where(sql`${requests.request_id} in (select value from json_each(${sql.placeholder("ids")}))`)
    .prepare();
  return (ids) => new Set(statement.all({ ids: JSON.stringify(ids) }).map(({ request_id }) => request_id));
}

type Wanted = Pick<Request, "request_id" | "content_hash">;

/** Tells which of some ids hold other content than is asked for now. */
export function createFindConflicts({ db }: Parts): (wanted: readonly Wanted[]) => string[] {
  // one parameter for all ids, so that the statement is prepared once
  const statement = db
    .select({ request_id: requests.request_id, content_hash: requests.content_hash })
    .from(requests)
    .where(sql`${requests.request_id} in (select value from json_each(${sql.placeholder("ids")}))`)
    .prepare();
  return (wanted) => {
    const found = statement.all({ ids: JSON.stringify(wanted.map(({ request_id }) => request_id)) });
    if (found.length === 0) return [];
    const held = new Map(found.map((row) => [row.request_id, row.content_hash]));
    return wanted
      .filter(({ request_id, content_hash }) => held.has(request_id) && held.get(request_id) !== content_hash)
      .map(({ request_id }) => request_id);
  };
}
