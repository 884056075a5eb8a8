// The row of a request that is new, as values for one insert: made where the request came in, written where writes are
// committed. In between it crosses threads, for which a list of plain values costs far less than nested records.
import type { RequestDetail } from "../pipeline/records.ts";
import type { Request } from "../request/submission.ts";
import type { Db } from "./database.ts";
import { getTableColumns } from "./orm.ts";
import { prepared } from "./prepared.ts";
import { type RequestRow, toDetail, toRequestRow } from "./rows.ts";
import { requests } from "./schema.ts";

/** Where a request came from. */
export interface Origin {
  jobId: string;
  batchId?: string | null;
  reproduces?: string;
}

/** The stored forms of `COLUMNS`, in their order. */
export type AcceptRow = readonly (string | number | null)[];

const COLUMNS = [
  "request_id",
  "state",
  "recipe_id",
  "model",
  "prompt",
  "negative_prompt",
  "aspect_ratio",
  "n",
  "seed",
  "steps",
  "guidance_scale",
  "seed_given",
  "response_format",
  "collection",
  "tags",
  "metadata",
  "reuse",
  "webhook_url",
  "content_hash",
  "batch_id",
  "job_id",
  "reproduces",
] as const;

const ALL_COLUMNS = getTableColumns(requests);
const STORED_AS_JSON: ReadonlySet<string> = new Set(COLUMNS.filter((key) => ALL_COLUMNS[key].dataType === "json"));

/** What is written of a request, but for the time at which it is. */
export function toAcceptRow(request: Request, origin: Origin): AcceptRow {
  const row = toRow(request, origin, 0);
  return COLUMNS.map((key) => {
    const value = row[key];
    if (STORED_AS_JSON.has(key)) return JSON.stringify(value);
    return typeof value === "boolean" ? Number(value) : (value as string | number | null);
  });
}

/** The request that a row is of. */
export function idOf([request_id]: AcceptRow): string {
  return String(request_id);
}

/** The record of a request that was written just now. */
export function toFreshDetail(request: Request, origin: Origin, now: number): RequestDetail {
  const row = { ...BLANK, ...toRow(request, origin, now) } as RequestRow;
  return toDetail({ request: row, calls: [], generations: [], images: [], assets: [], webhooks: [], proof: null });
}

function toRow(request: Request, { jobId, batchId = null, reproduces }: Origin, now: number) {
  return toRequestRow(request, { jobId, batchId, reproduces, now });
}

/** What the columns hold that a fresh row does not name. */
const BLANK = { ...Object.fromEntries(Object.keys(ALL_COLUMNS).map((column) => [column, null])), attempt: 0 };

/**
 * Writes a row unless its id is taken; tells whether it did. Filling drizzle's placeholders takes as long as SQLite does, and
 * what would take back a single row ("or abort") a tenth: where it throws, the transaction has to be taken back.
 */
export const insertOf = prepared((db: Db): ((row: AcceptRow, now: number) => boolean) => {
  const names = [...COLUMNS, "created_at", "updated_at"] as const;
  const list = names.map((key) => `"${ALL_COLUMNS[key].name}"`).join(", ");
  const marks = names.map(() => "?").join(", ");
  const statement = db.$client.prepare(
    `insert or fail into requests (${list}) values (${marks}) on conflict (request_id) do nothing`,
  );
  return (row, now) => statement.run([...row, now, now]).changes > 0;
});
