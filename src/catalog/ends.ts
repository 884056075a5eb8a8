// How requests end, and how a person brings them back. An ended request stays ended: every change is guarded by its state.

import { sidecarKey } from "../pipeline/keys.ts";
import type { RequestEnd } from "../pipeline/ports.ts";
import type { RequestState } from "../pipeline/records.ts";
import { reopenBatch, settleBatch } from "./batch-ends.ts";
import { clearDecodingOf } from "./decode-marks.ts";
import { queueMirror } from "./mirror.ts";
import { and, count, eq, inArray, isNotNull, isNull, lte, or, sql } from "./orm.ts";
import type { Parts } from "./parts.ts";
import { given, prepared } from "./prepared.ts";
import type { RequestRow } from "./rows.ts";
import { images, requests } from "./schema.ts";
import { recordWebhook } from "./webhooks.ts";

/** The states each end may follow. */
const BEFORE: Record<RequestEnd["state"], RequestState[]> = {
  archived: ["copying"],
  failed: ["queued", "generating", "copying"],
  parked: ["queued", "generating"],
  cancelled: ["queued", "generating", "parked"],
};

/** Ends a request; returns whether it was this call that ended it. */
export function finishRequest(parts: Parts, requestId: string, end: RequestEnd): boolean {
  if (end.state === "archived" && !hasAllAssets(parts, requestId)) return false;
  // an archived request was sealed with its time: sidecar and row are equal
  const now = (end.state === "archived" ? end.archived_at : undefined) ?? parts.now();
  const changed =
    end.state === "archived" ? setArchived(parts.db).run({ requestId, now }) : setEnded(parts, { requestId, end, now });
  if (changed.changes !== 1) return false;
  if (end.state === "archived") mirrorSidecar(parts, requestId);
  const row = parts.reader.row(requestId) as RequestRow;
  if (row.webhook_url !== null) recordWebhook(parts, requestId, end.state);
  if (row.batch_id !== null) settleBatch(parts, row.batch_id);
  return true;
}

const setArchived = prepared((db) =>
  db
    .update(requests)
    .set({
      state: "archived",
      error_code: null,
      error_message: null,
      archived_at: given("now"),
      sidecar_at: given("now"),
      updated_at: given("now"),
    })
    .where(and(eq(requests.request_id, given("requestId")), inArray(requests.state, BEFORE.archived)))
    .prepare(),
);

type OtherEnd = Exclude<RequestEnd, { state: "archived" }>;

function setEnded(parts: Parts, { requestId, end, now }: { requestId: string; end: OtherEnd; now: number }) {
  // a call that ends late must not park what is being copied; the copying itself may
  const before: RequestState[] = end.state === "parked" && end.while === "copying" ? ["copying"] : BEFORE[end.state];
  return parts.db
    .update(requests)
    .set({ state: end.state, ...toColumns(end.error), updated_at: now })
    .where(and(eq(requests.request_id, requestId), inArray(requests.state, before)))
    .run();
}

function toColumns(error: { code: string; message: string }) {
  return { error_code: error.code, error_message: error.message };
}

function hasAllAssets(parts: Parts, requestId: string): boolean {
  const wanted = parts.reader.row(requestId)?.n ?? 0;
  const archived = countArchivedImages(parts.db).get({ requestId })?.images ?? 0;
  return wanted > 0 && archived >= wanted;
}

const countArchivedImages = prepared((db) =>
  db
    .select({ images: count() })
    .from(images)
    .where(and(eq(images.request_id, given("requestId")), isNotNull(images.digest)))
    .prepare(),
);

/** Writes down why a request is waiting, for people who look at it meanwhile. It stays in its state. */
export function noteError(
  parts: Parts,
  requestId: string,
  note: { code: string; message: string; spend: boolean },
): void {
  parts.db
    .update(requests)
    .set({ ...toColumns(note), attempt: sql`${requests.attempt} + ${note.spend ? 1 : 0}`, updated_at: parts.now() })
    .where(and(eq(requests.request_id, requestId), inArray(requests.state, ["queued", "generating", "copying"])))
    .run();
}

/** Sends what came of a request on to be copied, although images are missing, and notes why. */
export function settleForLess(parts: Parts, requestId: string, error: { code: string; message: string }): void {
  parts.db
    .update(requests)
    .set({ state: "copying", ...toColumns(error), attempt: 0, updated_at: parts.now() })
    .where(and(eq(requests.request_id, requestId), inArray(requests.state, ["queued", "generating"])))
    .run();
}

/** The sidecar in the store equals the record. */
export function noteSidecar(parts: Parts, requestId: string): void {
  setSealed(parts.db).run({ requestId, now: parts.now() });
  mirrorSidecar(parts, requestId);
}

const setSealed = prepared((db) =>
  db
    .update(requests)
    .set({ sidecar_at: given("now") })
    .where(eq(requests.request_id, given("requestId")))
    .prepare(),
);

function mirrorSidecar(parts: Parts, requestId: string): void {
  if (!parts.mirrored) return;
  const row = parts.reader.row(requestId);
  if (row !== undefined) queueMirror(parts, { key: sidecarKey(row), digest: null, request_id: requestId });
}

/** What a retry means: which stage it goes back to, and whether that stage will pay. */
export interface Retried {
  stage: "generate" | "archive";
  pays: boolean;
}

/**
 * Brings a `failed` or `parked` request back with all its attempts. Images whose URLs are dead are forgotten, so that
 * they are made again; those that can still be fetched cost nothing. Undefined when it is in no such state.
 */
export function retryRequest(parts: Parts, requestId: string): Retried | undefined {
  const row = parts.reader.row(requestId);
  if (row === undefined || row.recipe_id === null || (row.state !== "failed" && row.state !== "parked"))
    return undefined;
  // nothing is paid for what nobody wants
  if (row.deleted_at !== null) return undefined;
  reopenBatch(parts, row.batch_id);
  forgetDeadImages(parts, row);
  clearDecodingOf(parts, requestId);
  const { kept } = parts.db.select({ kept: count() }).from(images).where(eq(images.request_id, requestId)).get() as {
    kept: number;
  };
  const stage = kept >= (row.n ?? 1) ? "archive" : "generate";
  parts.db
    .update(requests)
    .set({
      state: stage === "archive" ? "copying" : "queued",
      attempt: 0,
      error_code: null,
      error_message: null,
      sidecar_at: null,
      updated_at: parts.now(),
    })
    .where(eq(requests.request_id, requestId))
    .run();
  return { stage, pays: stage === "generate" };
}

/** How many images a retry of each of these requests would call for: those that can still be fetched cost nothing. */
export function countMissingImages(parts: Parts, ids: readonly string[]): Map<string, number> {
  const lost = sql.join(
    BYTES_LOST.map((code) => sql`${code}`),
    sql`, `,
  );
  const rows = parts.db.all<{ request_id: string; missing: number }>(sql`
    select r.request_id, max(0, r.n - (select count(*) from ${images} i where i.request_id = r.request_id
      and not (i.digest is null and ((i.spool_file is null and coalesce(i.expires_at <= ${parts.now()}, false))
        or (coalesce(r.error_code, '') in (${lost}) and i.url is null))))) as missing
    from ${requests} r where r.request_id in (select value from json_each(${JSON.stringify(ids)}))`);
  return new Map(rows.map(({ request_id, missing }) => [request_id, missing]));
}

/** Ends that say: bytes that came with an answer are of no use, and there is no URL to fetch them from again. */
const BYTES_LOST = ["spool_lost", "answer_broken"];

function forgetDeadImages(parts: Parts, row: RequestRow): void {
  const urlIsDead = and(isNull(images.spool_file), lte(images.expires_at, parts.now()));
  const bytesAreLost = BYTES_LOST.includes(row.error_code ?? "") ? isNull(images.url) : undefined;
  parts.db
    .delete(images)
    .where(and(eq(images.request_id, row.request_id), isNull(images.digest), or(urlIsDead, bytesAreLost)))
    .run();
}

/** Why a request was not cancelled, or that it was. */
export type Cancelled = { cancelled: true } | { cancelled: false; state: RequestState; paid: boolean };

/** Cancels a request that has cost nothing yet. One whose call is out is paid: it is finished and archived. */
export function cancelRequest(parts: Parts, requestId: string): Cancelled | undefined {
  const detail = parts.reader.detail(requestId);
  if (detail === undefined) return undefined;
  const { state } = detail.request;
  const paid = detail.images.length > 0 || detail.calls.some((call) => call.state === "sent");
  if (paid && state !== "parked") return { cancelled: false, state, paid };
  const error = { code: "cancelled", message: "Cancelled on request" };
  const done = finishRequest(parts, requestId, { state: "cancelled", error });
  return done ? { cancelled: true } : { cancelled: false, state, paid };
}
