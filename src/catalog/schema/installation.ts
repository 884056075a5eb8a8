// The table of the installation that a catalog belongs to: one row. Times are ms since 1970.
import { integer, sqliteTable, text } from "../db/orm.ts";

export const installation = sqliteTable("installation", {
  /** Always 1: there is one installation in a catalog. */
  row: integer().primaryKey(),
  installation_id: text().notNull(),
  created_at: integer().notNull(),
  /** The oldest program that may use this catalog; an older one refuses to open it. */
  min_version: text().notNull(),
});
