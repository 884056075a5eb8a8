// The tables of the catalog. Column names are the published field names; times are ms since 1970.
// What must never be wrong is said twice: here as CHECKs and unique indexes, and in the queries.

import type { AssetFault, ImageType, RequestState, WebhookEvent } from "../../domain/records.ts";
import type { Json } from "../../domain/request/canonical-json.ts";
import type { AspectRatio } from "../../domain/request/recipe.ts";
import { check, foreignKey, index, integer, primaryKey, real, sql, sqliteTable, text, uniqueIndex } from "../db/orm.ts";
import { prefixOf } from "../requests/recipe-prefix.ts";

export const requests = sqliteTable(
  "requests",
  {
    /** Its number in the order of acceptance, by which the full-text index knows it. A column, since SQLite may renumber rows that have none. */
    row_number: integer().primaryKey(),
    request_id: text().notNull().unique(),
    state: text().$type<RequestState>().notNull(),
    recipe_id: text(),
    model: text(),
    prompt: text(),
    negative_prompt: text(),
    aspect_ratio: text().$type<AspectRatio>(),
    n: integer(),
    seed: integer(),
    steps: integer(),
    guidance_scale: real(),
    seed_given: integer({ mode: "boolean" }).notNull(),
    response_format: text().$type<"url" | "b64_json">().notNull(),
    collection: text().notNull(),
    tags: text({ mode: "json" }).$type<string[]>().notNull(),
    metadata: text({ mode: "json" }).$type<Json>().notNull(),
    reuse: integer({ mode: "boolean" }).notNull(),
    webhook_url: text(),
    content_hash: text().notNull(),
    batch_id: text(),
    /** Its place in the manifest of its batch, from 1: tells a second line of the same content from a second reading. */
    batch_item: integer(),
    /** The line of that manifest on which the item begins, from 1: for people who look for it there. */
    manifest_line: integer(),
    job_id: text().notNull(),
    attempt: integer().notNull().default(0),
    error_code: text(),
    error_message: text(),
    /** What was sent, where it did not fit. */
    submitted: text({ mode: "json" }).$type<Json>(),
    reused_from: text(),
    /** The request that this one is to be compared with. */
    reproduces: text(),
    created_at: integer().notNull(),
    updated_at: integer().notNull(),
    archived_at: integer(),
    /** When the sidecar in the store was last made equal to this row; null: it has to be written. */
    sidecar_at: integer(),
    /** When the second store was last given this sidecar. */
    mirrored_at: integer(),
    /** What somebody wrote about it afterwards. */
    note: text(),
    /** When somebody asked for its deletion, and from when on its bytes may go. Taken back until they are gone. */
    deleted_at: integer(),
    erase_after: integer(),
    erased_at: integer(),
  },
  (table) => [
    index("requests_by_recipe").on(prefixOf(sql`${table.recipe_id}`)),
    index("requests_by_age").on(table.created_at, table.request_id),
    index("requests_by_state").on(table.state, table.updated_at),
    index("requests_by_batch").on(table.batch_id, table.state),
    // items come in their order, so that each entry goes to the end of the index; no other query is led to either of the two
    index("requests_by_manifest").on(table.batch_id, table.batch_item).where(sql`batch_item is not null`),
    index("requests_outside_manifest").on(table.batch_id).where(sql`batch_id is not null and batch_item is null`),
    // an archived request whose row was changed afterwards: none, most of the time
    index("requests_to_seal").on(table.updated_at).where(sql`state = 'archived' and sidecar_at is null`),
    index("requests_by_original").on(table.reproduces).where(sql`reproduces is not null`),
    // what was answered from the catalog, to be counted without reading all the others
    index("requests_reused").on(table.batch_id).where(sql`reused_from is not null`),
    index("requests_to_erase").on(table.erase_after).where(sql`erase_after is not null and erased_at is null`),
    check(
      "requests_state",
      sql`${table.state} in ('queued', 'generating', 'copying', 'archived', 'failed', 'parked', 'cancelled')`,
    ),
    // only a request that failed from birth has no recipe
    check("requests_recipe", sql`${table.recipe_id} is not null or ${table.state} = 'failed'`),
    check("requests_seed_is_explicit", sql`${table.seed} is null or ${table.seed} >= 0`),
    check("requests_archived_at", sql`(${table.state} = 'archived') = (${table.archived_at} is not null)`),
    check("requests_reason", sql`${table.state} not in ('failed', 'parked') or ${table.error_code} is not null`),
  ],
);

export const calls = sqliteTable(
  "calls",
  {
    request_id: text()
      .notNull()
      .references(() => requests.request_id),
    number: integer().notNull(),
    state: text().$type<"sent" | "answered" | "refused" | "unknown">().notNull(),
    n: integer().notNull(),
    seed: integer().notNull(),
    worker_id: text().notNull(),
    /** The batch whose budget it is charged to. */
    batch_id: text(),
    /** PRICE_PER_IMAGE when it was reserved, in millionths; null: there was none, or the row is older than prices are. */
    price_micros: integer(),
    price_currency: text(),
    sent_at: integer().notNull(),
    ended_at: integer(),
    http_status: integer(),
    api_request_id: text(),
    error_code: text(),
    error_message: text(),
    /** The spool file with what came and could not be read. */
    answer_file: text(),
  },
  (table) => [
    primaryKey({ columns: [table.request_id, table.number] }),
    // the lock on the purse: one call of a request is out at a time, whatever the queue believes
    uniqueIndex("calls_one_out").on(table.request_id).where(sql`state = 'sent'`),
    index("calls_by_state").on(table.state, table.sent_at),
    index("calls_by_batch").on(table.batch_id, table.state).where(sql`batch_id is not null`),
    check("calls_state", sql`${table.state} in ('sent', 'answered', 'refused', 'unknown')`),
    check("calls_ended_at", sql`(${table.state} = 'sent') = (${table.ended_at} is null)`),
  ],
);

export const generations = sqliteTable(
  "generations",
  {
    request_id: text().notNull(),
    call_number: integer().notNull(),
    api_created: integer().notNull(),
    expires_at: integer(),
    usage: text({ mode: "json" }).$type<Json>(),
  },
  (table) => [
    primaryKey({ columns: [table.request_id, table.call_number] }),
    foreignKey({ columns: [table.request_id, table.call_number], foreignColumns: [calls.request_id, calls.number] }),
  ],
);

export const assets = sqliteTable(
  "assets",
  {
    /** Its number in the order of recording, by which images are tied to it: a column, so that SQLite never renumbers it. */
    asset_id: integer().primaryKey(),
    digest: text().notNull().unique(),
    /** Holds the digest, so it is as unique as that: an index of its own would be one random page more for each image. */
    key: text().notNull(),
    bytes: integer().notNull(),
    content_type: text().$type<ImageType>().notNull(),
    width: integer().notNull(),
    height: integer().notNull(),
    archived_at: integer().notNull(),
    /** When its bytes were last read back and proven. */
    verified_at: integer(),
    /** What the last reading found wrong; null: nothing. */
    fault: text().$type<AssetFault>(),
    /** When the second store was given a copy. */
    mirrored_at: integer(),
    /** When its bytes were removed, because nobody wanted them any more: the row is the tombstone. */
    erased_at: integer(),
    /** Its perceptual hash, 16 hex digits; null: not looked at yet. */
    phash: text(),
    /** Whether the store has its thumbnail; null: it is to be made. */
    thumbnail: text().$type<"stored" | "impossible">(),
  },
  (table) => [
    index("assets_by_bytes").on(table.bytes),
    index("assets_by_size").on(table.width, table.height),
    // none, most of the time
    index("assets_without_thumbnail").on(table.archived_at).where(sql`thumbnail is null and erased_at is null`),
    check("assets_digest", sql`length(${table.digest}) = 64`),
    check("assets_bytes", sql`${table.bytes} > 0 and ${table.width} > 0 and ${table.height} > 0`),
  ],
);

export const images = sqliteTable(
  "images",
  {
    request_id: text()
      .notNull()
      .references(() => requests.request_id),
    index: integer("image_index").notNull(),
    call_number: integer(),
    url: text(),
    spool_file: text(),
    expires_at: integer(),
    digest: text().references(() => assets.digest),
    /** The asset's number. New ones stand at the end of their index, where digests fall on any page of it. */
    asset_id: integer(),
    archived_at: integer(),
  },
  (table) => [
    primaryKey({ columns: [table.request_id, table.index] }),
    index("images_by_asset").on(table.asset_id).where(sql`asset_id is not null`),
    index("images_unarchived").on(table.expires_at).where(sql`digest is null`),
    check("images_archived_at", sql`(${table.digest} is null) = (${table.archived_at} is null)`),
    check("images_asset_place", sql`(${table.digest} is null) = (${table.asset_id} is null)`),
    check(
      "images_somewhere",
      sql`${table.digest} is not null or ${table.url} is not null or ${table.spool_file} is not null`,
    ),
  ],
);

/** Images whose decoding began and was not seen to end: the process died. None, most of the time. */
export const decodeMarks = sqliteTable(
  "decode_marks",
  {
    request_id: text()
      .notNull()
      .references(() => requests.request_id),
    index: integer("image_index").notNull(),
    /** How often. */
    attempts: integer().notNull(),
  },
  (table) => [primaryKey({ columns: [table.request_id, table.index] })],
);

/** What requests would have cost that were answered from the catalog, at the price of that time. */
export const reusePrices = sqliteTable("reuse_prices", {
  /** Numbered in the order of recording, for metrics. */
  row_number: integer().primaryKey(),
  request_id: text()
    .notNull()
    .unique()
    .references(() => requests.request_id),
  images: integer().notNull(),
  /** Of an image, in millionths. */
  price_micros: integer().notNull(),
  price_currency: text().notNull(),
  reused_at: integer().notNull(),
});

/** What calls without a price of their own are valued at: one row, set once, so that the sums of the past stay as they are. */
export const referencePrice = sqliteTable(
  "reference_price",
  {
    id: integer().primaryKey(),
    price_micros: integer().notNull(),
    price_currency: text().notNull(),
    set_at: integer().notNull(),
  },
  (table) => [check("reference_price_is_one", sql`${table.id} = 1`)],
);

export const webhooks = sqliteTable(
  "webhooks",
  {
    /** The Standard Webhooks id: the same for every try to deliver this event. */
    event_id: text().primaryKey(),
    request_id: text()
      .notNull()
      .references(() => requests.request_id),
    /** Counts the ends of a request from 1: one that was retried ends again. */
    number: integer().notNull(),
    /** The state in which the request ended. */
    event: text().$type<WebhookEvent>().notNull(),
    state: text().$type<"pending" | "delivered" | "failed">().notNull(),
    attempts: integer().notNull().default(0),
    last_error: text(),
    created_at: integer().notNull(),
    delivered_at: integer(),
  },
  (table) => [
    uniqueIndex("webhooks_by_request").on(table.request_id, table.number),
    index("webhooks_pending").on(table.event_id).where(sql`state = 'pending'`),
    check("webhooks_event", sql`${table.event} in ('archived', 'failed', 'parked', 'cancelled')`),
    check("webhooks_state", sql`${table.state} in ('pending', 'delivered', 'failed')`),
    check("webhooks_delivered_at", sql`(${table.state} = 'delivered') = (${table.delivered_at} is not null)`),
  ],
);
