// The purse: rows of paid calls. A call is written before it is sent, and closed exactly once.
import { hasEnded } from "../pipeline/archive.ts";
import type { AnswerRecord, CallEnd, CallFailure, Reservation } from "../pipeline/ports.ts";
import type { Call, RequestDetail } from "../pipeline/records.ts";
import { reopenBatch } from "./batch-ends.ts";
import { charge, holdRequest, refund } from "./budget.ts";
import {
  insertGeneration,
  insertImage,
  insertSentCall,
  isThis,
  selectAnyImage,
  selectCallOut,
  selectTwin,
  selectUnarchived,
  setAnswered,
  setCopying,
  setGenerating,
  setShort,
} from "./call-statements.ts";
import { settleForLess } from "./ends.ts";
import { and, eq, inArray, isNull, sql } from "./orm.ts";
import type { Parts } from "./parts.ts";
import { priceNow } from "./prices.ts";
import { type RequestRow, toCall } from "./rows.ts";
import { calls, requests } from "./schema.ts";

/** Writes the row of a call that is about to be sent, or says why there must be none. One transaction decides. */
export function reserveCall(parts: Parts, requestId: string, call: { n: number; seed: number }): Reservation {
  const row = parts.reader.row(requestId);
  if (row === undefined) return { kind: "settled", state: "cancelled" };
  if (row.state !== "queued" && row.state !== "generating") return { kind: "settled", state: row.state };
  if (isCallOut(parts, requestId)) return { kind: "out" };
  const held = holdRequest(parts, row, call.n);
  if (held !== undefined) return held;
  const other = findTwin(parts, row);
  if (other !== undefined) return { kind: "in_flight_elsewhere", request_id: other };
  const backlog = countUnarchivedImages(parts);
  if (backlog + call.n > parts.maxUnarchivedImages) return { kind: "backlog", images: backlog };
  return { kind: "reserved", call: insertCall(parts, row, call) };
}

function insertCall(parts: Parts, row: RequestRow, call: { n: number; seed: number }): Call {
  const { request_id: requestId, batch_id } = row;
  charge(parts, batch_id, call.n);
  const now = parts.now();
  const { n, seed } = call;
  const { micros: priceMicros = null, currency: priceCurrency = null } = priceNow(parts, batch_id) ?? {};
  const price = { priceMicros, priceCurrency };
  const { workerId } = parts;
  const sent = insertSentCall(parts.db).get({ requestId, n, seed, batchId: batch_id, workerId, now, ...price });
  setGenerating(parts.db).run({ requestId, now });
  return toCall(sent);
}

function isCallOut(parts: Parts, requestId: string): boolean {
  return selectCallOut(parts.db).get({ requestId }) !== undefined;
}

// a request with the same explicit-seed recipe that is already being made, or has just been: its images will do. Not for
// one that has images of its own and lacks some: nobody else makes those
function findTwin(parts: Parts, row: RequestRow): string | undefined {
  if (!row.seed_given || !row.reuse || row.recipe_id === null || hasImages(parts, row.request_id)) return undefined;
  return selectTwin(parts.db).get({ recipeId: row.recipe_id, requestId: row.request_id })?.request_id;
}

function hasImages(parts: Parts, requestId: string): boolean {
  return selectAnyImage(parts.db).get({ requestId }) !== undefined;
}

/** Images generated and not yet archived, plus those that calls which are out may bring. */
export function countUnarchivedImages(parts: Parts): number {
  return selectUnarchived(parts.db).get()?.images ?? 0;
}

/** Takes a reserved call back: it never left this machine, so it is no call, whatever others have thought of it meanwhile. */
export function withdrawCall(parts: Parts, call: Call, options: { spend: boolean }): void {
  const withdrawn = parts.db
    .delete(calls)
    .where(and(isThis(call), inArray(calls.state, ["sent", "unknown"])))
    .returning()
    .get();
  if (withdrawn === undefined) return;
  refund(parts, withdrawn);
  touch(parts, call.request_id, options.spend ? 1 : 0);
}

/** Closes a call that brought nothing. One that was closed already stays as it is. */
export function closeCall(parts: Parts, call: Call, end: CallEnd): void {
  const { state, failure } = end;
  const closed = parts.db
    .update(calls)
    .set({
      state,
      ended_at: parts.now(),
      http_status: failure.http_status,
      api_request_id: failure.api_request_id,
      error_code: failure.code,
      error_message: failure.message,
      answer_file: end.answerFile ?? null,
    })
    .where(and(isThis(call), eq(calls.state, "sent")))
    .returning()
    .get();
  // the attempt of a call that was given up as dead is counted already
  if (closed === undefined) return;
  // one of unknown outcome may have been paid: it stays charged
  if (state === "refused") refund(parts, closed);
  touch(parts, call.request_id, end.spend ? 1 : 0);
}

/**
 * Commits an answer. A call that was given up as `unknown` may still be answered: the money is spent, so its images are
 * kept, unless another call has brought them meanwhile.
 */
export function answerCall(parts: Parts, call: Call, record: AnswerRecord): RequestDetail {
  const now = parts.now();
  const { answer } = record;
  const { request_id: requestId, number } = call;
  const { http_status: status, api_request_id: apiRequestId } = answer;
  const closed = setAnswered(parts.db).run({ requestId, number, now, status, apiRequestId });
  if (closed.changes === 1) keepAnswer(parts, call, record);
  return parts.reader.detail(call.request_id) as RequestDetail;
}

function keepAnswer(parts: Parts, call: Call, record: AnswerRecord): void {
  const { request_id, number: call_number } = call;
  const { answer, expires_at } = record;
  const usageText = answer.usage === null ? null : JSON.stringify(answer.usage);
  insertGeneration(parts.db).run({ request_id, call_number, api_created: answer.created, expires_at, usageText });
  const state = parts.reader.row(request_id)?.state;
  if (state !== undefined && hasEnded(state)) touch(parts, request_id, 0);
  if (state === "copying" || state === "archived") return;
  for (const image of record.images) insertImage(parts.db).run({ request_id, call_number, ...image });
  // what ended stays ended; but a retry finds the images and need not pay again
  if (state === "failed" || state === "cancelled" || (state === "parked" && !record.complete)) return;
  if (record.refused) {
    settleForLess(parts, request_id, record.refused);
    return;
  }
  const set = record.complete ? setCopying(parts.db) : setShort(parts.db);
  set.run({ requestId: request_id, now: parts.now() });
}

/**
 * Commits an answer that was kept unread until now. A request that had ended without it goes on to be copied where it has all
 * its images now; otherwise it stays as it is. Nothing is called for it.
 */
export function recordReread(parts: Parts, call: Call, record: AnswerRecord): RequestDetail {
  const before = parts.reader.row(call.request_id);
  const detail = answerCall(parts, call, record);
  const hadEnded = before?.state === "failed" || before?.state === "parked";
  if (
    !record.complete ||
    !hadEnded ||
    detail.calls.every((one) => one.number !== call.number || one.state !== "answered")
  )
    return detail;
  reopenBatch(parts, before.batch_id);
  parts.db
    .update(requests)
    .set({
      state: "copying",
      attempt: 0,
      error_code: null,
      error_message: null,
      sidecar_at: null,
      updated_at: parts.now(),
    })
    .where(
      and(
        eq(requests.request_id, call.request_id),
        inArray(requests.state, ["failed", "parked", "copying"]),
        isNull(requests.deleted_at),
      ),
    )
    .run();
  return parts.reader.detail(call.request_id) as RequestDetail;
}

/** Ties an answer that lies in the spool to its call, whose worker was killed between the two. */
export function adoptAnswerFile(parts: Parts, name: string): void {
  const [, request_id = "", number] = ANSWER_FILE.exec(name) ?? [];
  parts.db
    .update(calls)
    .set({ answer_file: name })
    .where(
      and(isThis({ request_id, number: Number(number) }), inArray(calls.state, ["unknown"]), isNull(calls.answer_file)),
    )
    .run();
}

/** `<request_id>.<call>.answer`, and a request id may hold dots of its own. */
export const ANSWER_FILE = /^(.{1,100})\.(\d{1,9})\.answer$/;

/** Turns `sent` calls whose worker is dead into `unknown`: of one request, or (at start-up) of all. Returns how many. */
export function settleDeadCalls(parts: Parts, requestId?: string): number {
  const out =
    requestId === undefined
      ? parts.db.select().from(calls).where(eq(calls.state, "sent")).all()
      : selectCallOut(parts.db).all({ requestId });
  // hundreds of calls are out, of few workers
  const workers = new Set(out.map((call) => call.worker_id));
  const gone = new Set([...workers].filter((workerId) => !parts.isWorkerAlive(workerId)));
  const dead = out.filter((call) => gone.has(call.worker_id));
  for (const call of dead) closeCall(parts, toCall(call), { state: "unknown", failure: DIED, spend: true });
  return dead.length;
}

const DIED: CallFailure = {
  class: "transient",
  code: "worker_died",
  message: "The worker that made this call died before it learnt the outcome",
  http_status: null,
  api_request_id: null,
  retry_after_ms: null,
};

function touch(parts: Parts, requestId: string, spent: number): void {
  parts.db
    .update(requests)
    // a call that ends after its request leaves the sidecar behind the rows
    .set({ attempt: sql`${requests.attempt} + ${spent}`, updated_at: parts.now(), sidecar_at: null })
    .where(eq(requests.request_id, requestId))
    .run();
}
