// The table of worker processes. Times are ms since 1970.
import { integer, sqliteTable, text } from "./orm.ts";

export const workers = sqliteTable("workers", {
  worker_id: text().primaryKey(),
  /** The machine and its process name space: only there a pid means anything. */
  host: text().notNull(),
  pid: integer().notNull(),
  /** When the process started, by the machine's own account: a pid that is used again is another process. */
  pid_started: text().notNull(),
  started_at: integer().notNull(),
  seen_at: integer().notNull(),
});
