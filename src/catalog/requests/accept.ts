// How a request enters the catalog: once per id, whatever door it came through and however often.

import { RejectedError } from "../../domain/errors.ts";
import type { RequestDetail } from "../../domain/records.ts";
import { toRecordable } from "../../domain/request/bounded-json.ts";
import type { Json } from "../../domain/request/canonical-json.ts";
import type { Request } from "../../domain/request/submission.ts";
import type { CatalogContext } from "../context.ts";
import { requests } from "../schema/requests.ts";
import { type AcceptRow, type Origin, toAcceptRow, toFreshDetail } from "./accept-row.ts";
import { insertRequest } from "./insert.ts";

export interface Fault {
  requestId: string;
  jobId: string;
  collection: string;
  /** What was sent, bounded: see `toRecordable`. */
  submitted: Json;
  error: { code: string; message: string };
}

/** Records a request, or finds the one that holds its id. Throws RejectedError `request_id_conflict`. */
export function acceptRequest(context: CatalogContext, request: Request, origin: Origin): RequestDetail {
  const { now, known } = acceptRows(context, [toAcceptRow(request, origin)]);
  return known[0] === undefined ? toFreshDetail(request, origin, now) : requireSame(known[0].detail, request);
}

/** What became of rows: all are written now, but those (by their places) whose ids are held already. */
export interface AcceptedRows {
  now: number;
  known: { place: number; detail: RequestDetail }[];
}

/** Records what is new of some requests. Where it throws, what it wrote has to be taken back by whoever calls. */
export function acceptRows(context: CatalogContext, rows: readonly AcceptRow[]): AcceptedRows {
  const now = context.now();
  const insert = insertRequest(context.db);
  const known: AcceptedRows["known"] = [];
  for (const [place, [request, origin]] of rows.entries()) {
    if (!insert(request, origin, now))
      known.push({ place, detail: context.reader.detail(request[0]) as RequestDetail });
  }
  return { now, known };
}

/** The request that holds the id of this one. Throws RejectedError where its content is another. */
export function requireSame(known: RequestDetail, { request_id, content_hash }: Request): RequestDetail {
  if (known.request.content_hash === content_hash) return known;
  throw new RejectedError(
    `Cannot accept request "${request_id}": another request holds this id, with other content; wanted the same content or a new id`,
    { code: "request_id_conflict" },
  );
}

/** Records data that never fitted as a failed request. Where the id is taken already, nothing happens. */
export function acceptFault(context: CatalogContext, fault: Fault): void {
  const now = context.now();
  context.db
    .insert(requests)
    .values({
      request_id: fault.requestId,
      state: "failed",
      seed_given: false,
      response_format: "url",
      collection: fault.collection,
      tags: [],
      metadata: {},
      reuse: true,
      content_hash: "",
      job_id: fault.jobId,
      error_code: fault.error.code,
      error_message: fault.error.message,
      submitted: toRecordable(fault.submitted),
      created_at: now,
      updated_at: now,
    })
    .onConflictDoNothing()
    .run();
}
