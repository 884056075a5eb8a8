// The purse: rows of paid calls. A call is written before it is sent, and closed exactly once.
import { and, eq, inArray, isNull, ne, sql } from "drizzle-orm";
import { hasEnded } from "../pipeline/archive.ts";
import type { AnswerRecord, CallFailure, Reservation } from "../pipeline/ports.ts";
import type { Call, RequestDetail } from "../pipeline/records.ts";
import { isIntact } from "./assets.ts";
import { charge, holdRequest, refund } from "./budget.ts";
import type { Parts } from "./parts.ts";
import { type RequestRow, toCall } from "./rows.ts";
import { calls, generations, images, requests } from "./schema.ts";

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
  const { last } = parts.db
    .select({ last: sql<number>`coalesce(max(${calls.number}), 0)` })
    .from(calls)
    .where(eq(calls.request_id, requestId))
    .get() as { last: number };
  const inserted = parts.db
    .insert(calls)
    .values({
      request_id: requestId,
      number: last + 1,
      state: "sent",
      ...call,
      worker_id: parts.workerId,
      batch_id,
      sent_at: now,
    })
    .returning()
    .get();
  parts.db
    .update(requests)
    .set({ state: "generating", updated_at: now })
    .where(eq(requests.request_id, requestId))
    .run();
  return toCall(inserted);
}

function isCallOut(parts: Parts, requestId: string): boolean {
  const out = parts.db
    .select({ number: calls.number })
    .from(calls)
    .where(and(eq(calls.request_id, requestId), eq(calls.state, "sent")))
    .get();
  return out !== undefined;
}

// a request with the same explicit-seed recipe that is already being made, or has just been: its images will do. Not for
// one that has images of its own and lacks some: nobody else makes those
function findTwin(parts: Parts, row: RequestRow): string | undefined {
  if (!row.seed_given || !row.reuse || row.recipe_id === null || hasImages(parts, row.request_id)) return undefined;
  return parts.db
    .select({ request_id: requests.request_id })
    .from(requests)
    .where(
      and(
        eq(requests.recipe_id, row.recipe_id),
        isNull(requests.deleted_at),
        ne(requests.request_id, row.request_id),
        inArray(requests.state, ["generating", "copying", "archived"]),
        // the same condition as where images are reused: one that may answer nobody must keep nobody waiting
        isIntact(sql`${requests.request_id}`),
      ),
    )
    .limit(1)
    .get()?.request_id;
}

function hasImages(parts: Parts, requestId: string): boolean {
  const image = parts.db.select({ index: images.index }).from(images).where(eq(images.request_id, requestId)).get();
  return image !== undefined;
}

/** Images generated and not yet archived, plus those that calls which are out may bring. */
export function countUnarchivedImages(parts: Parts): number {
  const { landed, out } = parts.db.get<{ landed: number; out: number }>(sql`select
    (select coalesce(sum(${requests.n}), 0) from ${requests} where ${requests.state} = 'copying') as landed,
    (select coalesce(sum(${calls.n}), 0) from ${calls} where ${calls.state} = 'sent') as "out"`);
  return landed + out;
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
export function closeCall(
  parts: Parts,
  call: Call,
  end: { state: "refused" | "unknown"; failure: CallFailure; spend: boolean },
): void {
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
  const closed = parts.db
    .update(calls)
    .set({
      state: "answered",
      ended_at: now,
      http_status: answer.http_status,
      api_request_id: answer.api_request_id,
      error_code: null,
      error_message: null,
    })
    .where(and(isThis(call), inArray(calls.state, ["sent", "unknown"])))
    .run();
  if (closed.changes === 1) keepAnswer(parts, call, record);
  return parts.reader.detail(call.request_id) as RequestDetail;
}

function keepAnswer(parts: Parts, call: Call, record: AnswerRecord): void {
  const { request_id } = call;
  parts.db
    .insert(generations)
    .values({
      request_id,
      call_number: call.number,
      api_created: record.answer.created,
      expires_at: record.expires_at,
      usage: record.answer.usage,
    })
    .run();
  const state = parts.reader.row(request_id)?.state;
  if (state !== undefined && hasEnded(state)) touch(parts, request_id, 0);
  if (state === "copying" || state === "archived") return;
  if (record.images.length > 0) {
    parts.db
      .insert(images)
      .values(record.images.map((image) => ({ request_id, call_number: call.number, ...image })))
      .onConflictDoNothing()
      .run();
  }
  // what ended stays ended; but a retry finds the images and need not pay again
  if (state === "failed" || state === "cancelled") return;
  parts.db
    .update(requests)
    .set({
      state: record.complete ? "copying" : "generating",
      attempt: record.complete ? 0 : sql`${requests.attempt} + 1`,
      error_code: null,
      error_message: null,
      updated_at: parts.now(),
    })
    .where(eq(requests.request_id, request_id))
    .run();
}

/** Turns `sent` calls whose worker is dead into `unknown`: of one request, or (at start-up) of all. Returns how many. */
export function settleDeadCalls(parts: Parts, requestId?: string): number {
  const out = parts.db
    .select()
    .from(calls)
    .where(
      requestId === undefined ? eq(calls.state, "sent") : and(eq(calls.request_id, requestId), eq(calls.state, "sent")),
    )
    .all();
  const dead = out.filter((call) => !parts.isWorkerAlive(call.worker_id));
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

function isThis(call: Call) {
  return and(eq(calls.request_id, call.request_id), eq(calls.number, call.number));
}

function touch(parts: Parts, requestId: string, spent: number): void {
  parts.db
    .update(requests)
    // a call that ends after its request leaves the sidecar behind the rows
    .set({ attempt: sql`${requests.attempt} + ${spent}`, updated_at: parts.now(), sidecar_at: null })
    .where(eq(requests.request_id, requestId))
    .run();
}
