// What the report of a batch says: one value, which the renderers beside this file turn into text and pages. Pure.
// Its JSON form is what `report.json` holds; the field names are a promise.
import type { Batch } from "../../domain/batch.ts";
import type { Call, HoldReason, RequestState } from "../../domain/records.ts";
import { type Money, toMoney } from "../../domain/units.ts";
import { type ArchivedItems, toArchivedItems } from "./batch-archived.ts";
import { isCuredByRetry, remedyOf } from "./remedies.ts";

/** Failed, parked or cancelled items of one reason. */
export interface BatchFailure {
  state: RequestState;
  code: string;
  /** One of the messages. */
  message: string;
  items: number;
  /** The first of them. */
  request_ids: string[];
  requests: FailedItem[];
  /** What to do about them, by the reason. */
  remedy: string;
  /** The command that brings them back; null where a retry would end the same way. */
  redrive: string | null;
}

/** An item that failed, with its line in the manifest; null where the manifest no longer has it. */
export interface FailedItem {
  request_id: string;
  prompt: string | null;
  line: number | null;
  item: number | null;
}

export interface SheetImage {
  request_id: string;
  index: number;
  prompt: string | null;
  seed: number | null;
  key: string;
  digest: string;
  width: number;
  height: number;
}

/** The report. Times are ISO 8601, money is null where no price was set. */
export interface BatchReport {
  version: 1;
  batch: string;
  name: string;
  manifest: string;
  schedule: string | null;
  /** `held`: at rest for now, see `held_reason`; a later report follows. */
  state: "finished" | "cancelled" | "held" | "running";
  held_reason: HoldReason | null;
  created_at: string;
  finished_at: string | null;
  reported_at: string;
  items: Record<"total" | "accepted" | "retried" | "existing" | "owned_elsewhere" | "duplicates" | "invalid", number>;
  /** How much of the manifest is archived, by this run or before. */
  archived: ArchivedItems;
  requests: Record<RequestState, number>;
  /** Items answered from the catalog, free, and the images that were not bought for them. */
  reused: number;
  reused_images: number;
  /** Images that this run archived, and their bytes; and those that its manifest had before. */
  images: number;
  bytes: number;
  images_from_before: number;
  calls: Record<Call["state"], { calls: number; images: number }>;
  budget: { max_images: number | null; committed_images: number };
  spent: Money | null;
  /** Calls of which nobody knows whether they were paid. */
  at_risk: Money | null;
  /** What the reused images would have cost. */
  saved: Money | null;
  price_per_kept_image: Money | null;
  /** From the first call to the end of the last. */
  working_ms: number | null;
  images_per_minute: number | null;
  seconds_to_nearest_loss: number | null;
  failures: BatchFailure[];
  slowest: { request_id: string; took_ms: number; calls: number }[];
  /** The contact sheet, in the order of the manifest. */
  sheet: SheetImage[];
}

export interface ReportSource {
  batch: Batch;
  held: HoldReason | null;
  now: number;
  requests: Record<RequestState, number>;
  calls: BatchReport["calls"];
  /** What the calls cost at the prices of their time, in the currency that the batch began with. */
  cost: { spent: number; at_risk: number; currency: string | null };
  reused: number;
  reused_images: number;
  seconds_to_nearest_loss: number | null;
  images: number;
  bytes: number;
  worked: { from: number | null; to: number | null };
  before: { items: number; images: number };
  failures: FailureSource[];
  slowest: BatchReport["slowest"];
  sheet: SheetImage[];
}

/** Items of one reason, as they are counted. */
export type FailureSource = Omit<BatchFailure, "redrive" | "remedy" | "request_ids">;

/** Puts a report together. */
export function toBatchReport(source: ReportSource): BatchReport {
  const { batch, requests, calls, images, bytes, worked } = source;
  const working_ms = worked.from === null || worked.to === null ? null : worked.to - worked.from;
  const { total, ...money } = { total: batch.items, ...moneyOf(source) };
  const { accepted, retried, existing, owned_elsewhere, duplicates, invalid } = batch;
  return {
    version: 1,
    batch: batch.batch_id,
    name: batch.name,
    manifest: batch.manifest,
    schedule: batch.schedule,
    state: stateOf(source),
    held_reason: source.held,
    created_at: iso(batch.created_at),
    finished_at: batch.finished_at === null ? null : iso(batch.finished_at),
    reported_at: iso(source.now),
    items: { total, accepted, retried, existing, owned_elsewhere, duplicates, invalid },
    archived: toArchivedItems({ batch, archived: requests.archived, before: source.before.items }),
    requests,
    reused: source.reused,
    reused_images: source.reused_images,
    images,
    bytes,
    images_from_before: source.before.images,
    calls,
    budget: { max_images: batch.max_images, committed_images: batch.committed_images },
    ...money,
    working_ms,
    images_per_minute: working_ms ? perMinute(calls.answered.images / working_ms) : null,
    seconds_to_nearest_loss: source.seconds_to_nearest_loss,
    failures: source.failures.map((failure) => toBatchFailure(batch.batch_id, failure)),
    slowest: source.slowest,
    sheet: source.sheet,
  };
}

function perMinute(perMs: number): number {
  const rate = perMs * 60_000;
  return rate < 10 ? Math.round(rate * 10) / 10 : Math.round(rate);
}

function stateOf({ batch, held }: ReportSource): BatchReport["state"] {
  if (batch.state === "cancelled") return "cancelled";
  if (batch.finished_at !== null) return "finished";
  return held === null ? "running" : "held";
}

function moneyOf({ batch, cost, images, reused_images }: ReportSource) {
  const { currency } = cost;
  if (currency === null) return { spent: null, at_risk: null, saved: null, price_per_kept_image: null };
  const money = (micros: number) => toMoney({ micros, currency });
  return {
    spent: money(cost.spent),
    at_risk: money(cost.at_risk),
    saved: batch.price_micros === null ? null : money(reused_images * batch.price_micros),
    price_per_kept_image: images === 0 ? null : money(Math.round(cost.spent / images)),
  };
}

/** With the remedy that fits its reason. */
export function toBatchFailure(batchId: string, failure: FailureSource): BatchFailure {
  const { state, code, requests } = failure;
  const isBack = (state === "failed" || state === "parked") && isCuredByRetry(failure);
  return {
    ...failure,
    request_ids: requests.map(({ request_id }) => request_id),
    remedy: remedyOf(failure).text,
    redrive: isBack ? `asset-archiver retry --batch ${batchId} --${state} --code ${code}` : null,
  };
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
