// The tables of batches and of their schedules. Column names are the published field names; times are ms since 1970.

import type { BatchState } from "../../domain/records.ts";
import type { Json } from "../../domain/request/canonical-json.ts";
import { check, index, integer, primaryKey, sql, sqliteTable, text } from "../db/orm.ts";

export const batches = sqliteTable(
  "batches",
  {
    batch_id: text().primaryKey(),
    name: text().notNull(),
    /** Where the manifest was read from, without the query of an address. */
    manifest: text().notNull(),
    /** SHA-256 of the manifest and of what was changed in it: the same manifest goes on in the same batch. */
    manifest_digest: text().notNull(),
    schedule: text(),
    state: text().$type<BatchState>().notNull(),
    /** A person has said stop. */
    paused: integer({ mode: "boolean" }).notNull().default(false),
    /** The daily window, "01:00-06:00" in `tz`, and the occurrence of it that is open now or opens next. */
    window: text(),
    tz: text(),
    opens_at: integer(),
    closes_at: integer(),
    /** No call is reserved that would bring `committed_images` above this; null: no budget. */
    max_images: integer(),
    /** Images of calls that are out, were answered, or may have been: the sum of `n` over those calls. */
    committed_images: integer().notNull().default(0),
    /** The price of an image when the batch began, in millionths. */
    price_micros: integer(),
    price_currency: text(),
    items: integer().notNull().default(0),
    accepted: integer().notNull().default(0),
    retried: integer().notNull().default(0),
    existing: integer().notNull().default(0),
    owned_elsewhere: integer().notNull().default(0),
    duplicates: integer().notNull().default(0),
    invalid: integer().notNull().default(0),
    webhook_url: text(),
    created_at: integer().notNull(),
    enqueued_at: integer(),
    finished_at: integer(),
    /** The rest that was last reported: see rest.ts. A report is owed while this differs from the present rest. */
    reported: text(),
    reported_at: integer(),
    /** Who writes a report now is believed for a while. */
    report_claimed_at: integer(),
    report_key: text(),
    /** The report key its webhook was last notified of, the attempts for the present one, and when the next may be made. */
    notified_key: text(),
    notify_attempts: integer().notNull().default(0),
    notify_after: integer(),
    result: text({ mode: "json" }).$type<Json>(),
  },
  (table) => [
    index("batches_unfinished").on(table.created_at).where(sql`finished_at is null`),
    index("batches_by_age").on(table.created_at),
    index("batches_by_manifest").on(table.manifest_digest),
    check("batches_state", sql`${table.state} in ('enqueuing', 'running', 'finished', 'cancelled')`),
    check("batches_finished_at", sql`${table.state} <> 'finished' or ${table.finished_at} is not null`),
    check("batches_committed", sql`${table.committed_images} >= 0`),
    check("batches_budget", sql`${table.max_images} is null or ${table.max_images} >= 0`),
  ],
);

/**
 * Items of a manifest that were archived, or under way elsewhere, when their batch was enqueued: their requests belong to
 * another batch or to none. With them a batch knows its whole manifest.
 */
export const batchExistingItems = sqliteTable(
  "batch_existing_items",
  {
    batch_id: text().notNull(),
    /** The row number of the request. */
    row_number: integer().notNull(),
    /** Its place in the manifest of this batch, from 1, and the line on which it begins there. */
    batch_item: integer().notNull(),
    manifest_line: integer(),
  },
  (table) => [
    primaryKey({ columns: [table.batch_id, table.row_number] }),
    index("batch_existing_items_by_manifest").on(table.batch_id, table.batch_item),
  ],
);

export const schedules = sqliteTable(
  "schedules",
  {
    name: text().primaryKey(),
    cron: text().notNull(),
    tz: text().notNull(),
    /** As it was given: an address may hold a signed query, so it is never shown whole. */
    manifest: text().notNull(),
    format: text(),
    collection: text(),
    tags: text({ mode: "json" }).$type<string[]>(),
    /** The limits of each night: hours in `tz`, images, money such as "20 USD". */
    window: text(),
    max_images: integer(),
    budget: text(),
    webhook_url: text(),
    /** Whether items that are wrong keep a night from being enqueued. */
    strict: integer({ mode: "boolean" }).notNull(),
    /** What becomes of a night on which nobody was there: run once when somebody is, or left out. */
    missed: text().$type<"late" | "skip">().notNull(),
    paused: integer({ mode: "boolean" }).notNull(),
    created_at: integer().notNull(),
    /** Nights that were due up to here are dealt with: begun, left out, or before this schedule was set. */
    processed_until: integer().notNull(),
    /** The night that was begun last, and how that went. */
    last_due_at: integer(),
    last_batch_id: text(),
    last_error: text(),
  },
  (table) => [check("schedules_missed", sql`${table.missed} in ('late', 'skip')`)],
);
