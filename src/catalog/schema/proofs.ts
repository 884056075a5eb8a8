// The tables of proofs: what came of asking for a recipe again. Column names are the published field names; times are ms
// since 1970. A proof is written once and never changed: a later reproduction has a proof of its own.

import type { Likeness } from "../../domain/records.ts";
import { check, index, integer, primaryKey, real, sql, sqliteTable, text } from "../db/orm.ts";
import { requests } from "./requests.ts";

export const proofs = sqliteTable(
  "proofs",
  {
    /** The reproduction. */
    request_id: text()
      .primaryKey()
      .references(() => requests.request_id),
    /** No reference: a catalog that was rebuilt may lack the original, and the proof stands all the same. */
    original_id: text().notNull(),
    outcome: text().$type<Likeness>().notNull(),
    compared_at: integer().notNull(),
    generated_at: integer().notNull(),
    original_generated_at: integer().notNull(),
  },
  (table) => [
    index("proofs_by_original").on(table.original_id, table.compared_at),
    check(
      "proofs_outcome",
      sql`${table.outcome} in ('identical_bytes', 'identical_pixels', 'near', 'drifted', 'incomparable')`,
    ),
  ],
);

export const proofImages = sqliteTable(
  "proof_images",
  {
    request_id: text()
      .notNull()
      .references(() => proofs.request_id),
    index: integer("image_index").notNull(),
    outcome: text().$type<Likeness>().notNull(),
    distance: integer(),
    mean_error: real(),
    digest: text(),
    original_digest: text(),
    reason: text(),
  },
  (table) => [
    primaryKey({ columns: [table.request_id, table.index] }),
    check(
      "proof_images_outcome",
      sql`${table.outcome} in ('identical_bytes', 'identical_pixels', 'near', 'drifted', 'incomparable')`,
    ),
    check("proof_images_reason", sql`(${table.outcome} = 'incomparable') = (${table.reason} is not null)`),
    check("proof_images_distance", sql`${table.distance} is null or ${table.distance} between 0 and 64`),
  ],
);
