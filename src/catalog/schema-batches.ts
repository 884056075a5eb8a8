// The table of batches. Column names are the published field names; times are ms since 1970.
import { sql } from "drizzle-orm";
import { check, index, integer, sqliteTable, text } from "drizzle-orm/sqlite-core";
import type { BatchState } from "../pipeline/records.ts";
import type { Json } from "../request/canonical-json.ts";

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
    elsewhere: integer().notNull().default(0),
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
