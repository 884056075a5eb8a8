// The rules of a batch: its record, and when it is held. Pure.

import type { BatchState, HoldReason } from "./records.ts";
import type { Json } from "./request/canonical-json.ts";

/** One run of a manifest, as recorded. Times: ms since 1970. */
export interface Batch {
  batch_id: string;
  name: string;
  manifest: string;
  manifest_digest: string;
  schedule: string | null;
  state: BatchState;
  paused: boolean;
  window: string | null;
  tz: string | null;
  opens_at: number | null;
  closes_at: number | null;
  max_images: number | null;
  committed_images: number;
  price_micros: number | null;
  price_currency: string | null;
  /** Items of the manifest, and how many of them had each result when enqueued. */
  items: number;
  accepted: number;
  retried: number;
  existing: number;
  owned_elsewhere: number;
  duplicates: number;
  invalid: number;
  webhook_url: string | null;
  created_at: number;
  enqueued_at: number | null;
  finished_at: number | null;
  reported: string | null;
  reported_at: number | null;
  report_claimed_at: number | null;
  report_key: string | null;
  notified_key: string | null;
  notify_attempts: number;
  notify_after: number | null;
  result: Json | null;
}

/** What limits a batch. */
export type BatchLimits = Pick<
  Batch,
  "state" | "paused" | "opens_at" | "closes_at" | "max_images" | "committed_images"
>;

/**
 * Why a call for `images` more images must not be made now, or null. It is never stored, so it is never out of date: it
 * follows every change of a limit (the window opens, a higher budget, a withdrawn call).
 *
 * | cancelled | paused | before opens_at, or from closes_at on | committed + images > max | held |
 * |---|---|---|---|---|
 * | yes | – | – | – | cancelled |
 * | no | yes | – | – | paused |
 * | no | no | yes | – | window |
 * | no | no | no | yes | budget |
 * | no | no | no | no | – |
 */
export function holdOf(batch: BatchLimits, { now, images }: { now: number; images: number }): HoldReason | null {
  if (batch.state === "cancelled") return "cancelled";
  if (batch.paused) return "paused";
  if (batch.opens_at !== null && now < batch.opens_at) return "window";
  if (batch.closes_at !== null && now >= batch.closes_at) return "window";
  if (batch.max_images !== null && batch.committed_images + images > batch.max_images) return "budget";
  return null;
}

/** Describes a hold in the status of a request of the batch. */
export function describeHold(
  batch: Pick<Batch, "batch_id" | "window" | "tz" | "max_images">,
  hold: HoldReason,
): string {
  const { batch_id } = batch;
  switch (hold) {
    case "cancelled":
      return `Batch "${batch_id}" is cancelled`;
    case "paused":
      return `Batch "${batch_id}" is paused; it goes on with: asset-archiver bulk --resume ${batch_id}`;
    case "window":
      return `Outside the window ${batch.window ?? ""} ${batch.tz ?? ""} of batch "${batch_id}": it goes on when that opens again`;
    case "budget":
      return `The budget of batch "${batch_id}" (${batch.max_images} images) is used up; it goes on with a higher one: asset-archiver bulk --resume ${batch_id} --max-images <n>`;
  }
}

/** How many images a budget buys at a price; undefined where the currencies differ. */
export function imagesWithin(
  budget: { micros: number; currency: string },
  price: { micros: number; currency: string },
): number | undefined {
  if (budget.currency !== price.currency || price.micros === 0) return undefined;
  return Math.floor(budget.micros / price.micros);
}
