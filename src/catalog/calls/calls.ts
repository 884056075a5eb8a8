// The purse: rows of paid calls. A call is written before it is sent, and closed exactly once.

import type { Call, RequestDetail } from "../../domain/records.ts";
import { isTerminal } from "../../pipeline/archive.ts";
import type { AnswerRecord, CallEnd, CallFailure, Reservation } from "../../pipeline/ports.ts";
import { reopenBatch } from "../batches/transitions.ts";
import type { CatalogContext } from "../context.ts";
import { and, eq, inArray, isNull, sql } from "../db/orm.ts";
import { type RequestRow, toCall } from "../requests/rows.ts";
import { completePartially } from "../requests/transitions.ts";
import { calls, requests } from "../schema/requests.ts";
import { charge, holdRequest, refund } from "./budget.ts";
import { priceNow } from "./prices.ts";
import {
  insertGeneration,
  insertImage,
  insertSentCall,
  isThis,
  selectAnyImage,
  selectCallOut,
  selectDuplicate,
  selectUnarchived,
  setAnswered,
  setCopying,
  setGenerating,
  setShort,
} from "./statements.ts";

/** Writes the row of a call that is about to be sent, or says why there must be none. One transaction decides. */
export function reserveCall(
  context: CatalogContext,
  requestId: string,
  call: { n: number; seed: number },
): Reservation {
  const row = context.reader.row(requestId);
  if (row === undefined) return { kind: "settled", state: "cancelled" };
  if (row.state !== "queued" && row.state !== "generating") return { kind: "settled", state: row.state };
  if (isCallOut(context, requestId)) return { kind: "out" };
  const held = holdRequest(context, row, call.n);
  if (held !== undefined) return held;
  const other = findDuplicateRecipe(context, row);
  if (other !== undefined) return { kind: "in_flight_elsewhere", request_id: other };
  const backlog = countUnarchivedImages(context);
  if (backlog + call.n > context.maxUnarchivedImages) return { kind: "backlog", images: backlog };
  return { kind: "reserved", call: insertCall(context, row, call) };
}

function insertCall(context: CatalogContext, row: RequestRow, call: { n: number; seed: number }): Call {
  const { request_id: requestId, batch_id } = row;
  charge(context, batch_id, call.n);
  const now = context.now();
  const { n, seed } = call;
  const { micros: priceMicros = null, currency: priceCurrency = null } = priceNow(context, batch_id) ?? {};
  const price = { priceMicros, priceCurrency };
  const { workerId } = context;
  const sent = insertSentCall(context.db).get({ requestId, n, seed, batchId: batch_id, workerId, now, ...price });
  setGenerating(context.db).run({ requestId, now });
  return toCall(sent);
}

function isCallOut(context: CatalogContext, requestId: string): boolean {
  return selectCallOut(context.db).get({ requestId }) !== undefined;
}

// a request with the same explicit-seed recipe that is already being made, or has just been: its images will do. Not for
// one that has images of its own and lacks some: nobody else makes those
function findDuplicateRecipe(context: CatalogContext, row: RequestRow): string | undefined {
  if (!row.seed_given || !row.reuse || row.recipe_id === null || hasImages(context, row.request_id)) return undefined;
  return selectDuplicate(context.db).get({ recipeId: row.recipe_id, requestId: row.request_id })?.request_id;
}

function hasImages(context: CatalogContext, requestId: string): boolean {
  return selectAnyImage(context.db).get({ requestId }) !== undefined;
}

/** Images generated and not yet archived, plus those that calls which are out may bring. */
export function countUnarchivedImages(context: CatalogContext): number {
  return selectUnarchived(context.db).get()?.images ?? 0;
}

/** Takes a reserved call back: it never left this machine, so it is no call, whatever others have thought of it meanwhile. */
export function withdrawCall(context: CatalogContext, call: Call, options: { spend: boolean }): void {
  const withdrawn = context.db
    .delete(calls)
    .where(and(isThis(call), inArray(calls.state, ["sent", "unknown"])))
    .returning()
    .get();
  if (withdrawn === undefined) return;
  refund(context, withdrawn);
  touch(context, call.request_id, options.spend ? 1 : 0);
}

/** Closes a call that brought nothing. One that was closed already stays as it is. */
export function closeCall(context: CatalogContext, call: Call, end: CallEnd): void {
  const { state, failure } = end;
  const closed = context.db
    .update(calls)
    .set({
      state,
      ended_at: context.now(),
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
  if (state === "refused") refund(context, closed);
  touch(context, call.request_id, end.spend ? 1 : 0);
}

/**
 * Commits an answer. A call that was given up as `unknown` may still be answered: the money is spent, so its images are
 * kept, unless another call has brought them meanwhile.
 */
export function answerCall(context: CatalogContext, call: Call, record: AnswerRecord): RequestDetail {
  const now = context.now();
  const { answer } = record;
  const { request_id: requestId, number } = call;
  const { http_status: status, api_request_id: apiRequestId } = answer;
  const closed = setAnswered(context.db).run({ requestId, number, now, status, apiRequestId });
  if (closed.changes === 1) keepAnswer(context, call, record);
  return context.reader.detail(call.request_id) as RequestDetail;
}

function keepAnswer(context: CatalogContext, call: Call, record: AnswerRecord): void {
  const { request_id, number: call_number } = call;
  const { answer, expires_at } = record;
  const usageText = answer.usage === null ? null : JSON.stringify(answer.usage);
  insertGeneration(context.db).run({ request_id, call_number, api_created: answer.created, expires_at, usageText });
  const state = context.reader.row(request_id)?.state;
  if (state !== undefined && isTerminal(state)) touch(context, request_id, 0);
  if (state === "copying" || state === "archived") return;
  for (const image of record.images) insertImage(context.db).run({ request_id, call_number, ...image });
  // what ended stays ended; but a retry finds the images and need not pay again
  if (state === "failed" || state === "cancelled" || (state === "parked" && !record.complete)) return;
  if (record.refused) {
    completePartially(context, request_id, record.refused);
    return;
  }
  const set = record.complete ? setCopying(context.db) : setShort(context.db);
  set.run({ requestId: request_id, now: context.now() });
}

/**
 * Commits an answer that was kept unread until now. A request that had ended without it goes on to be copied where it has all
 * its images now; otherwise it stays as it is. Nothing is called for it.
 */
export function recordReread(context: CatalogContext, call: Call, record: AnswerRecord): RequestDetail {
  const before = context.reader.row(call.request_id);
  const detail = answerCall(context, call, record);
  const hadEnded = before?.state === "failed" || before?.state === "parked";
  if (
    !record.complete ||
    !hadEnded ||
    detail.calls.every((one) => one.number !== call.number || one.state !== "answered")
  )
    return detail;
  reopenBatch(context, before.batch_id);
  context.db
    .update(requests)
    .set({
      state: "copying",
      attempt: 0,
      error_code: null,
      error_message: null,
      sidecar_at: null,
      updated_at: context.now(),
    })
    .where(
      and(
        eq(requests.request_id, call.request_id),
        inArray(requests.state, ["failed", "parked", "copying"]),
        isNull(requests.deleted_at),
      ),
    )
    .run();
  return context.reader.detail(call.request_id) as RequestDetail;
}

/** Ties an answer that lies in the spool to its call, whose worker was killed between the two. */
export function adoptAnswerFile(context: CatalogContext, name: string): void {
  const [, request_id = "", number] = ANSWER_FILE.exec(name) ?? [];
  context.db
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
export function settleDeadCalls(context: CatalogContext, requestId?: string): number {
  const out =
    requestId === undefined
      ? context.db.select().from(calls).where(eq(calls.state, "sent")).all()
      : selectCallOut(context.db).all({ requestId });
  // hundreds of calls are out, of few workers
  const workers = new Set(out.map((call) => call.worker_id));
  const gone = new Set([...workers].filter((workerId) => !context.isWorkerAlive(workerId)));
  const dead = out.filter((call) => gone.has(call.worker_id));
  for (const call of dead) closeCall(context, toCall(call), { state: "unknown", failure: DIED, spend: true });
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

function touch(context: CatalogContext, requestId: string, spent: number): void {
  context.db
    .update(requests)
    // a call that ends after its request leaves the sidecar behind the rows
    .set({ attempt: sql`${requests.attempt} + ${spent}`, updated_at: context.now(), sidecar_at: null })
    .where(eq(requests.request_id, requestId))
    .run();
}
