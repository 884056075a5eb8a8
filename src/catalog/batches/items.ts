// How the items of a manifest enter the catalog: many in one transaction, each once, however often the manifest is read.
import { toJobId } from "../../domain/request/request-id.ts";
import type { Request } from "../../domain/request/submission.ts";
import type { CatalogContext } from "../context.ts";
import { eq, sql } from "../db/orm.ts";
import { prepared } from "../db/prepared.ts";
import { insertRequest } from "../requests/insert.ts";
import type { RequestRow } from "../requests/rows.ts";
import { retryRequest } from "../requests/transitions.ts";
import { batches } from "../schema/batches.ts";
import { requests } from "../schema/requests.ts";
import type { EncodedItem, ItemResult } from "./encoded-items.ts";
import { settleBatch } from "./transitions.ts";

export type AcceptItems = (batchId: string, items: Iterable<EncodedItem>) => ItemResult[];

/** Takes a chunk of items into a batch and counts them, in one transaction that the caller opens. */
export function createAcceptItems(context: CatalogContext): AcceptItems {
  return (batchId, items) => {
    const left = new Set<string>();
    const taken: ItemResult[] = [];
    const insert = insertRequest(context.db);
    const take = ([item, line, isDuplicate, request, reproduces]: EncodedItem): End => {
      if (isDuplicate) return DUPLICATE;
      const [request_id, content_hash] = request;
      if (insert(request, [batchId, item, line, reproduces ?? null, toJobId(request_id)], context.now())) return NEW;
      const row = context.reader.row(request_id) as RequestRow;
      const known = { row, content_hash, item, line, batchId, left };
      const end = takeKnown(context, known);
      if (end.as === "existing" || end.as === "elsewhere") noteExisting(context.db).run(toExisting(known));
      return end;
    };
    for (const written of items) {
      const [item, , , [request_id]] = written;
      const end = take(written);
      taken.push({ request_id, item, as: end.as, job: end.job, known: end !== NEW });
    }
    count(context, batchId, taken);
    for (const other of left) settleBatch(context, other);
    return taken;
  };
}

type End = Pick<ItemResult, "as" | "job">;

const DUPLICATE: End = { as: "duplicate", job: null };
const NEW: End = { as: "accepted", job: "generate" };

interface Known {
  row: RequestRow;
  content_hash: string;
  item: number;
  line: number | null;
  batchId: string;
  /** Batches that items were taken from. */
  left: Set<string>;
}

function takeKnown(context: CatalogContext, known: Known): End {
  const { row, content_hash, batchId } = known;
  if (row.content_hash !== content_hash) return { as: "conflict", job: null };
  if (row.batch_id === batchId) return takeOwn(context, known);
  switch (row.state) {
    case "archived":
      return { as: "existing", job: null };
    case "failed":
    case "cancelled":
      return { as: "retried", job: bringBack(context, known) };
    case "queued":
    case "generating":
      if (row.batch_id === null) return { as: "elsewhere", job: null };
      move(context, known);
      return { as: "accepted", job: "generate" };
    default:
      return { as: "elsewhere", job: null };
  }
}

function takeOwn(context: CatalogContext, known: Known): End {
  const { row, item } = known;
  const job = row.state === "queued" || row.state === "generating" ? "generate" : null;
  // an earlier reading of this manifest was interrupted: what it recorded may have no job yet
  if (row.batch_item === item) return { as: "ours", job };
  if (row.batch_item !== null) return { as: "duplicate", job: null };
  // inherited from an earlier night, and still in the manifest
  move(context, known);
  return { as: "accepted", job };
}

function bringBack(context: CatalogContext, known: Known): "generate" | "archive" {
  const { row } = known;
  move(context, known);
  const retried = row.state === "failed" ? retryRequest(context, row.request_id) : undefined;
  if (retried !== undefined) return retried.stage;
  context.db
    .update(requests)
    .set({ state: "queued", attempt: 0, error_code: null, error_message: null, sidecar_at: null })
    .where(eq(requests.request_id, row.request_id))
    .run();
  return "generate";
}

function toExisting({ row: { row_number }, item, line, batchId }: Known) {
  return { batchId, row_number, item, line };
}

// the same manifest read again has the same items
const noteExisting = prepared(({ $client: sqlite }) =>
  sqlite.prepare(`insert or replace into batch_existing_items (batch_id, row_number, batch_item, manifest_line)
    values (@batchId, @row_number, @item, @line)`),
);

function move(context: CatalogContext, { row, item, line, batchId, left }: Known): void {
  context.db
    .update(requests)
    .set({ batch_id: batchId, batch_item: item, manifest_line: line, updated_at: context.now() })
    .where(eq(requests.request_id, row.request_id))
    .run();
  if (row.batch_id !== null && row.batch_id !== batchId) left.add(row.batch_id);
}

function count(context: CatalogContext, batchId: string, taken: readonly ItemResult[]): void {
  const counts = { accepted: 0, ours: 0, duplicate: 0, existing: 0, retried: 0, elsewhere: 0, conflict: 0 };
  for (const { as } of taken) counts[as] += 1;
  context.db
    .update(batches)
    .set({
      accepted: sql`${batches.accepted} + ${counts.accepted}`,
      retried: sql`${batches.retried} + ${counts.retried}`,
      existing: sql`${batches.existing} + ${counts.existing}`,
      owned_elsewhere: sql`${batches.owned_elsewhere} + ${counts.elsewhere}`,
      duplicates: sql`${batches.duplicates} + ${counts.duplicate}`,
      invalid: sql`${batches.invalid} + ${counts.conflict}`,
    })
    .where(eq(batches.batch_id, batchId))
    .run();
}

type Wanted = Pick<Request, "request_id" | "content_hash">;

/** Tells which of some ids hold other content than is asked for now. */
export function createFindConflicts({ db }: CatalogContext): (wanted: readonly Wanted[]) => string[] {
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
