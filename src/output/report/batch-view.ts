// How a batch looks to whoever asks: the same form in `status --batch --json`, `bulk --json` and over HTTP. Pure.
import type { Batch } from "../../domain/batch.ts";
import type { HoldReason, RequestState } from "../../domain/records.ts";
import { type Money, toMoney } from "../../domain/units.ts";
import { type ArchivedItems, toArchivedItems } from "./batch-archived.ts";

/** A batch as shown. Times are ISO 8601. */
export interface BatchView {
  batch: string;
  name: string;
  manifest: string;
  schedule: string | null;
  state: "enqueuing" | "running" | "held" | "finished" | "cancelled";
  held_reason: HoldReason | null;
  items: Record<"total" | "accepted" | "retried" | "existing" | "owned_elsewhere" | "duplicates" | "invalid", number>;
  /** How much of its manifest is archived, by this run or before. */
  archived: ArchivedItems;
  /** The items of this batch by state; those archived before or under way elsewhere are not among them. */
  requests: Record<RequestState, number>;
  budget: { max_images: number | null; committed_images: number; committed: Money | null };
  window: { daily: string; tz: string | null; opens_at: string | null; closes_at: string | null } | null;
  created_at: string;
  enqueued_at: string | null;
  finished_at: string | null;
  reported_at: string | null;
  /** Where its last report lies. */
  report: string | null;
}

export interface BatchViewSource {
  batch: Batch;
  held: HoldReason | null;
  requests: Record<RequestState, number>;
  /** Items that were there before and are archived now. */
  before: number;
  locate(key: string): string;
}

export function toBatchView({ batch, held, requests, before, locate }: BatchViewSource): BatchView {
  const { items: total, accepted, retried, existing, owned_elsewhere, duplicates, invalid } = batch;
  const isHeld = batch.state === "running" && held !== null;
  return {
    batch: batch.batch_id,
    name: batch.name,
    manifest: batch.manifest,
    schedule: batch.schedule,
    state: isHeld ? "held" : batch.state,
    held_reason: isHeld ? held : null,
    items: { total, accepted, retried, existing, owned_elsewhere, duplicates, invalid },
    archived: toArchivedItems({ batch, archived: requests.archived, before }),
    requests,
    budget: {
      max_images: batch.max_images,
      committed_images: batch.committed_images,
      committed: costOf(batch, batch.committed_images),
    },
    window: windowOf(batch),
    created_at: iso(batch.created_at),
    enqueued_at: isoOrNull(batch.enqueued_at),
    finished_at: isoOrNull(batch.finished_at),
    reported_at: isoOrNull(batch.reported_at),
    report: batch.report_key === null ? null : locate(batch.report_key),
  };
}

/** What so many images of a batch cost; null where no price was set when it began. */
export function costOf({ price_micros, price_currency }: Batch, images: number): Money | null {
  if (price_micros === null || price_currency === null) return null;
  return toMoney({ micros: images * price_micros, currency: price_currency });
}

function windowOf({ window: daily, tz, opens_at, closes_at }: Batch): BatchView["window"] {
  return daily === null ? null : { daily, tz, opens_at: isoOrNull(opens_at), closes_at: isoOrNull(closes_at) };
}

function isoOrNull(ms: number | null): string | null {
  return ms === null ? null : iso(ms);
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
