// The sidecar of a batch: its row, stored so that a rebuilt catalog has the batches that its requests refer to. Pure.
import { z } from "zod";
import type { Batch } from "./batch.ts";
import { RejectedError, toMessage } from "./errors.ts";
import { redactUrl } from "./request/http-url.ts";
import { parseDocument } from "./request/json-document.ts";
import { moneyAsPrice } from "./sidecar.ts";
import { type Money, toMoney } from "./units.ts";

/** A manifest item whose request existed before the batch. */
export interface ExistingItem {
  batch_item: number;
  manifest_line: number | null;
  request_id: string;
}

/** Version 1: the row, with its price as money. Times in ms, as in reports. Only the origin of the webhook's URL. */
export interface BatchSidecar {
  version: 1;
  batch: Omit<Batch, "price_micros" | "price_currency"> & { price: Money | null };
  /** Omitted if empty, or if there are more than EXISTING_ITEMS_MAX. */
  existing_items?: ExistingItem[] | undefined;
}

/** The records of a sidecar. */
export interface BatchRecords {
  batch: Batch;
  existing_items?: ExistingItem[] | undefined;
}

/** The maximum number of existing items listed, about 5 MB. With more, a rebuilt catalog only has their count. */
export const EXISTING_ITEMS_MAX = 50_000;

const text = z.string().nullable();
const count = z.int().min(0);
const number = z.int().nullable();

const row = z.object({
  batch_id: z.string().min(1),
  name: z.string(),
  manifest: z.string(),
  manifest_digest: z.string(),
  schedule: text,
  state: z.enum(["enqueuing", "running", "finished", "cancelled"]),
  paused: z.boolean(),
  window: text,
  tz: text,
  opens_at: number,
  closes_at: number,
  max_images: number,
  committed_images: count,
  // sidecars have `price`; older ones these two
  price_micros: number.default(null),
  price_currency: text.default(null),
  items: count,
  accepted: count,
  retried: count,
  existing: count,
  owned_elsewhere: count,
  duplicates: count,
  invalid: count,
  webhook_url: text,
  created_at: z.int(),
  enqueued_at: number,
  finished_at: number,
  reported: text,
  reported_at: number,
  report_claimed_at: number,
  report_key: text,
  // sidecars of batches that ended before these were kept lack them
  notified_key: text.default(null),
  notify_attempts: count.default(0),
  notify_after: number.default(null),
  result: z.json().nullable(),
}) satisfies z.ZodType<Batch>;

/** Names that sidecars had before they were renamed. */
const FORMER_NAMES: Readonly<Record<string, string>> = {
  elsewhere: "owned_elsewhere",
  told: "notified_key", // language: allowed, its name in older sidecars
  tell_attempts: "notify_attempts",
  tell_at: "notify_after",
};

function withPresentNames(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [FORMER_NAMES[name] ?? name, field]));
}

const priced = row.extend({ price: moneyAsPrice.nullable().optional() }).transform(({ price, ...rest }): Batch => {
  return price ? { ...rest, price_micros: price.micros, price_currency: price.currency } : rest;
});

const batch = z.preprocess(withPresentNames, priced);

const existingItem = z.object({
  batch_item: z.int().min(1),
  manifest_line: number,
  request_id: z.string(),
}) satisfies z.ZodType<ExistingItem>;

const sidecar = z.object({
  version: z.literal(1),
  batch,
  existing_items: z.array(existingItem).optional(),
}) satisfies z.ZodType<BatchRecords>;

/** batches/<batch_id>.json */
export function batchSidecarKey(batchId: string): string {
  return `batches/${batchId}.json`;
}

/** Serializes a batch's sidecar. */
export function batchSidecarBytes(batch: Batch, existing: readonly ExistingItem[] = []): Buffer {
  const { price_micros, price_currency, ...rest } = batch;
  const isPriced = price_micros !== null && price_currency !== null;
  const price = isPriced ? toMoney({ micros: price_micros, currency: price_currency }) : null;
  const named = existing.length > 0 && existing.length <= EXISTING_ITEMS_MAX;
  const sidecar: BatchSidecar = {
    version: 1,
    batch: { ...rest, price, webhook_url: redactUrl(batch.webhook_url) },
    ...(named && { existing_items: [...existing] }),
  };
  return Buffer.from(`${JSON.stringify(sidecar, null, 2)}\n`);
}

/** Parses a batch's sidecar. Throws a RejectedError `sidecar_invalid`. */
export function parseBatchSidecar(bytes: Buffer, key: string): BatchRecords {
  let data: unknown;
  try {
    data = parseDocument(bytes);
  } catch (error) {
    throw invalid(key, toMessage(error));
  }
  const parsed = sidecar.safeParse(data);
  // a sidecar has only the origin of the URL, for people to read: not enough to send webhooks to
  if (parsed.success) return { ...parsed.data, batch: { ...parsed.data.batch, webhook_url: null } };
  throw invalid(key, parsed.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`).join("; "));
}

function invalid(key: string, why: string): RejectedError {
  return new RejectedError(`Cannot read the sidecar "${key}": ${why}`, { code: "sidecar_invalid" });
}
