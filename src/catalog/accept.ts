// How a request enters the catalog: once per id, whatever door it came through and however often.

import { RejectedError } from "../errors.ts";
import type { RequestDetail } from "../pipeline/records.ts";
import type { Json } from "../request/canonical-json.ts";
import type { Request } from "../request/submission.ts";
import type { Db } from "./database.ts";
import { getTableColumns, sql } from "./orm.ts";
import type { Parts } from "./parts.ts";
import { type RequestRow, toDetail, toRequestRow } from "./rows.ts";
import { requests } from "./schema.ts";

/** What did not fit is kept up to this many characters: enough to recognise it, too little to fill a disk. */
const SUBMITTED_MAX_LENGTH = 64 * 1024;

export interface Fault {
  requestId: string;
  jobId: string;
  submitted: unknown;
  error: { code: string; message: string };
}

/** Records a request, or finds the one that holds its id. Throws RejectedError `request_id_conflict`. */
export function acceptRequest(
  parts: Parts,
  request: Request,
  origin: { jobId: string; batchId?: string; reproduces?: string },
): RequestDetail {
  const { jobId, batchId = null, reproduces } = origin;
  const row = toRequestRow(request, { jobId, batchId, reproduces, now: parts.now() });
  const { changes } = insertOf(parts.db, Object.keys(row)).run(row);
  if (changes === 0) return sameOrConflict(parts, request);
  const inserted = { ...BLANK, ...row } as RequestRow;
  return toDetail({ request: inserted, calls: [], generations: [], images: [], assets: [], webhooks: [], proof: null });
}

/** What the columns hold that a fresh row does not name. */
const BLANK = {
  ...Object.fromEntries(Object.keys(getTableColumns(requests)).map((column) => [column, null])),
  attempt: 0,
};

type Insert = ReturnType<typeof prepareInsert>;
const inserts = new WeakMap<Db, Insert>();

// a statement put together anew for each request costs more than all the rest of accepting it
function insertOf(db: Db, columns: readonly string[]): Insert {
  const insert = inserts.get(db) ?? prepareInsert(db, columns);
  inserts.set(db, insert);
  return insert;
}

/** The columns are the same for every request: those of `toRequestRow`. */
function prepareInsert(db: Db, columns: readonly string[]) {
  const values = Object.fromEntries(columns.map((column) => [column, sql.placeholder(column)]));
  return db
    .insert(requests)
    .values(values as unknown as ReturnType<typeof toRequestRow>)
    .onConflictDoNothing({ target: requests.request_id })
    .prepare();
}

function sameOrConflict(parts: Parts, request: Request): RequestDetail {
  const known = parts.reader.detail(request.request_id) as RequestDetail;
  if (known.request.content_hash !== request.content_hash) {
    throw new RejectedError(
      `Cannot accept request "${request.request_id}": another request holds this id, with other content; wanted the same content or a new id`,
      { code: "request_id_conflict" },
    );
  }
  return known;
}

/** Records data that never fitted as a failed request. Where the id is taken already, nothing happens. */
export function acceptFault(parts: Parts, fault: Fault): void {
  const now = parts.now();
  parts.db
    .insert(requests)
    .values({
      request_id: fault.requestId,
      state: "failed",
      seed_given: false,
      response_format: "url",
      collection: collectionOf(fault.submitted),
      tags: [],
      metadata: {},
      reuse: true,
      content_hash: "",
      job_id: fault.jobId,
      error_code: fault.error.code,
      error_message: fault.error.message,
      submitted: clip(fault.submitted),
      created_at: now,
      updated_at: now,
    })
    .onConflictDoNothing()
    .run();
}

function clip(submitted: unknown): Json {
  try {
    const text = JSON.stringify(submitted) ?? "null";
    return text.length <= SUBMITTED_MAX_LENGTH ? (submitted as Json) : `${text.slice(0, SUBMITTED_MAX_LENGTH)}…`;
  } catch {
    // thousands of levels are more than JSON.stringify's stack can hold
    return "(cannot be written down: it is nested too deeply)";
  }
}

function collectionOf(submitted: unknown): string {
  const named = (submitted as { collection?: unknown } | null | undefined)?.collection;
  return typeof named === "string" && named.length > 0 && named.length <= 100 ? named : "default";
}
