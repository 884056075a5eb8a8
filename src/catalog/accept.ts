// How a request enters the catalog: once per id, whatever door it came through and however often.

import { RejectedError } from "../errors.ts";
import type { RequestDetail } from "../pipeline/records.ts";
import type { Json } from "../request/canonical-json.ts";
import type { Request } from "../request/submission.ts";
import { type AcceptRow, identityOf, insertOf, type Origin, toAcceptRow, toFreshDetail } from "./accept-row.ts";
import type { Parts } from "./parts.ts";
import { type PlainError, toPlain } from "./plain-error.ts";
import { requests } from "./schema.ts";
import { isOfTheDatabase } from "./sqlite-errors.ts";

/** What did not fit is kept up to this many characters: enough to recognise it, too little to fill a disk. */
const SUBMITTED_MAX_LENGTH = 64 * 1024;

export interface Fault {
  requestId: string;
  jobId: string;
  submitted: unknown;
  error: { code: string; message: string };
}

/** Records a request, or finds the one that holds its id. Throws RejectedError `request_id_conflict`. */
export function acceptRequest(parts: Parts, request: Request, origin: Origin): RequestDetail {
  const now = parts.now();
  const isNew = insertOf(parts.db)(toAcceptRow(request, origin), now);
  return isNew ? toFreshDetail(request, origin, now) : sameOrConflict(parts, request);
}

/** What became of rows: written at `now`, all but some. By their places: what holds their ids, or why they are refused. */
export interface AcceptedRows {
  now: number;
  known: [place: number, detail: RequestDetail][];
  refused: [place: number, error: PlainError][];
}

/** Records requests that came together, each as `acceptRequest` would. `json` is a list of `AcceptRow`. */
export function acceptRows(parts: Parts, json: string): AcceptedRows {
  const rows = JSON.parse(json) as AcceptRow[];
  const now = parts.now();
  const insert = insertOf(parts.db);
  const accepted: AcceptedRows = { now, known: [], refused: [] };
  for (const [place, row] of rows.entries()) {
    try {
      if (!insert(row, now)) accepted.known.push([place, sameOrConflict(parts, identityOf(row))]);
    } catch (error) {
      // one statement takes back what it wrote by itself; where the database failed, the whole transaction is gone
      if (isOfTheDatabase(error)) throw error;
      accepted.refused.push([place, toPlain(error)]);
    }
  }
  return accepted;
}

function sameOrConflict(parts: Parts, request: Pick<Request, "request_id" | "content_hash">): RequestDetail {
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
