// The table of worker processes. Times are ms since 1970.
import { integer, sqliteTable, text } from "../db/orm.ts";

export const workers = sqliteTable("workers", {
  worker_id: text().primaryKey(),
  /** What the process does: a server is here so that no migration begins beside it. */
  role: text({ enum: ["worker", "server"] })
    .notNull()
    .default("worker"),
  /** The machine and its process name space: only there a pid means anything. */
  host: text().notNull(),
  pid: integer().notNull(),
  /** When the process started, by the machine's own account: a pid that is used again is another process. */
  pid_started: text().notNull(),
  started_at: integer().notNull(),
  /** The last heartbeat, by the clock of the catalog's host. */
  seen_at: integer().notNull(),
  /** When it ended of its own accord; null while it runs, and after it was killed. */
  stopped_at: integer(),
  /** The version of the program; empty for one from before versions were recorded. */
  version: text().notNull().default(""),
  /** Jobs in flight at most, for each stage. */
  generate_concurrency: integer().notNull().default(0),
  archive_concurrency: integer().notNull().default(0),
});
