// How requests end, and how a person brings them back. An ended request stays ended: every change is guarded by its state.

import { sidecarKey } from "../../domain/keys.ts";
import type { RequestState } from "../../domain/records.ts";
import type { TerminalState } from "../../pipeline/ports.ts";
import { clearDecodingOf } from "../assets/decode-marks.ts";
import { reopenBatch, settleBatch } from "../batches/transitions.ts";
import type { CatalogContext } from "../context.ts";
import { and, count, eq, inArray, isNotNull, isNull, lte, or, sql } from "../db/orm.ts";
import { param, prepared } from "../db/prepared.ts";
import { queueMirror } from "../integrity/mirror.ts";
import { images, requests } from "../schema/requests.ts";
import type { RequestRow } from "./rows.ts";
import { recordWebhook } from "./webhooks.ts";

/** The states each end may follow. */
const BEFORE: Record<TerminalState["state"], RequestState[]> = {
  archived: ["copying"],
  failed: ["queued", "generating", "copying"],
  parked: ["queued", "generating"],
  cancelled: ["queued", "generating", "parked"],
};

/** Ends a request; returns whether it was this call that ended it. */
export function setTerminalState(context: CatalogContext, requestId: string, end: TerminalState): boolean {
  if (end.state === "archived" && !hasAllAssets(context, requestId)) return false;
  // an archived request was sealed with its time: sidecar and row are equal
  const now = (end.state === "archived" ? end.archived_at : undefined) ?? context.now();
  const changed =
    end.state === "archived"
      ? setArchived(context.db).run({ requestId, now })
      : setEnded(context, { requestId, end, now });
  if (changed.changes !== 1) return false;
  if (end.state === "archived") mirrorSidecar(context, requestId);
  const row = context.reader.row(requestId) as RequestRow;
  if (row.webhook_url !== null) recordWebhook(context, requestId, end.state);
  if (row.batch_id !== null) settleBatch(context, row.batch_id);
  return true;
}

const setArchived = prepared((db) =>
  db
    .update(requests)
    .set({
      state: "archived",
      error_code: null,
      error_message: null,
      archived_at: param("now"),
      sidecar_at: param("now"),
      updated_at: param("now"),
    })
    .where(and(eq(requests.request_id, param("requestId")), inArray(requests.state, BEFORE.archived)))
    .prepare(),
);

type OtherEnd = Exclude<TerminalState, { state: "archived" }>;

function setEnded(context: CatalogContext, { requestId, end, now }: { requestId: string; end: OtherEnd; now: number }) {
  // a call that ends late must not park what is being copied; the copying itself may
  const before: RequestState[] = end.state === "parked" && end.while === "copying" ? ["copying"] : BEFORE[end.state];
  return context.db
    .update(requests)
    .set({ state: end.state, ...toColumns(end.error), updated_at: now })
    .where(and(eq(requests.request_id, requestId), inArray(requests.state, before)))
    .run();
}

function toColumns(error: { code: string; message: string }) {
  return { error_code: error.code, error_message: error.message };
}

function hasAllAssets(context: CatalogContext, requestId: string): boolean {
  const wanted = context.reader.row(requestId)?.n ?? 0;
  const archived = countArchivedImages(context.db).get({ requestId })?.images ?? 0;
  return wanted > 0 && archived >= wanted;
}

const countArchivedImages = prepared((db) =>
  db
    .select({ images: count() })
    .from(images)
    .where(and(eq(images.request_id, param("requestId")), isNotNull(images.digest)))
    .prepare(),
);

/** Writes down why a request is waiting, for people who look at it meanwhile. It stays in its state. */
export function recordError(
  context: CatalogContext,
  requestId: string,
  note: { code: string; message: string; spend: boolean },
): void {
  context.db
    .update(requests)
    .set({ ...toColumns(note), attempt: sql`${requests.attempt} + ${note.spend ? 1 : 0}`, updated_at: context.now() })
    .where(and(eq(requests.request_id, requestId), inArray(requests.state, ["queued", "generating", "copying"])))
    .run();
}

/** Sends what came of a request on to be copied, although images are missing, and notes why. */
export function completePartially(
  context: CatalogContext,
  requestId: string,
  error: { code: string; message: string },
): void {
  context.db
    .update(requests)
    .set({ state: "copying", ...toColumns(error), attempt: 0, updated_at: context.now() })
    .where(and(eq(requests.request_id, requestId), inArray(requests.state, ["queued", "generating"])))
    .run();
}

/** The sidecar in the store equals the record. */
export function markSidecarWritten(context: CatalogContext, requestId: string): void {
  setSealed(context.db).run({ requestId, now: context.now() });
  mirrorSidecar(context, requestId);
}

const setSealed = prepared((db) =>
  db
    .update(requests)
    .set({ sidecar_at: param("now") })
    .where(eq(requests.request_id, param("requestId")))
    .prepare(),
);

function mirrorSidecar(context: CatalogContext, requestId: string): void {
  if (!context.mirrored) return;
  const row = context.reader.row(requestId);
  if (row !== undefined) queueMirror(context, { key: sidecarKey(row), digest: null, request_id: requestId });
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
export function retryRequest(context: CatalogContext, requestId: string): Retried | undefined {
  const row = context.reader.row(requestId);
  if (row === undefined || row.recipe_id === null || (row.state !== "failed" && row.state !== "parked"))
    return undefined;
  // nothing is paid for what nobody wants
  if (row.deleted_at !== null) return undefined;
  reopenBatch(context, row.batch_id);
  forgetDeadImages(context, row);
  clearDecodingOf(context, requestId);
  const { kept } = context.db.select({ kept: count() }).from(images).where(eq(images.request_id, requestId)).get() as {
    kept: number;
  };
  const stage = kept >= (row.n ?? 1) ? "archive" : "generate";
  context.db
    .update(requests)
    .set({
      state: stage === "archive" ? "copying" : "queued",
      attempt: 0,
      error_code: null,
      error_message: null,
      sidecar_at: null,
      updated_at: context.now(),
    })
    .where(eq(requests.request_id, requestId))
    .run();
  return { stage, pays: stage === "generate" };
}

/** How many images a retry of each of these requests would call for: those that can still be fetched cost nothing. */
export function countMissingImages(context: CatalogContext, ids: readonly string[]): Map<string, number> {
  const lost = sql.join(
    BYTES_LOST.map((code) => sql`${code}`),
    sql`, `,
  );
  const rows = context.db.all<{ request_id: string; missing: number }>(sql`
    select r.request_id, max(0, r.n - (select count(*) from ${images} i where i.request_id = r.request_id
      and not (i.digest is null and ((i.spool_file is null and coalesce(i.expires_at <= ${context.now()}, false))
        or (coalesce(r.error_code, '') in (${lost}) and i.url is null))))) as missing
    from ${requests} r where r.request_id in (select value from json_each(${JSON.stringify(ids)}))`);
  return new Map(rows.map(({ request_id, missing }) => [request_id, missing]));
}

/** Ends that say: bytes that came with an answer are of no use, and there is no URL to fetch them from again. */
const BYTES_LOST = ["spool_lost", "answer_broken"];

function forgetDeadImages(context: CatalogContext, row: RequestRow): void {
  const urlIsDead = and(isNull(images.spool_file), lte(images.expires_at, context.now()));
  const bytesAreLost = BYTES_LOST.includes(row.error_code ?? "") ? isNull(images.url) : undefined;
  context.db
    .delete(images)
    .where(and(eq(images.request_id, row.request_id), isNull(images.digest), or(urlIsDead, bytesAreLost)))
    .run();
}

/** Why a request was not cancelled, or that it was. */
export type Cancelled = { cancelled: true } | { cancelled: false; state: RequestState; paid: boolean };

/** Cancels a request that has cost nothing yet. One whose call is out is paid: it is finished and archived. */
export function cancelRequest(context: CatalogContext, requestId: string): Cancelled | undefined {
  const detail = context.reader.detail(requestId);
  if (detail === undefined) return undefined;
  const { state } = detail.request;
  const paid = detail.images.length > 0 || detail.calls.some((call) => call.state === "sent");
  if (paid && state !== "parked") return { cancelled: false, state, paid };
  const error = { code: "cancelled", message: "Cancelled on request" };
  const done = setTerminalState(context, requestId, { state: "cancelled", error });
  return done ? { cancelled: true } : { cancelled: false, state, paid };
}
