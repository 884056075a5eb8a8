// The tables of upkeep: second copies that are owed, and runs over the whole catalog. Column names are the published field
// names; times are ms since 1970.

import type { Json } from "../../domain/request/canonical-json.ts";
import { index, integer, sqliteTable, text } from "../db/orm.ts";

/** What the second store still has to be given. */
export const mirrorJobs = sqliteTable(
  "mirror_jobs",
  {
    key: text().primaryKey(),
    /** Of the image; null for a sidecar. */
    digest: text(),
    request_id: text(),
    tries: integer().notNull().default(0),
    next_at: integer().notNull(),
    error: text(),
  },
  (table) => [index("mirror_jobs_by_time").on(table.next_at)],
);

/** Runs of upkeep over the whole catalog, so that one that was killed goes on where it was. */
export const integrityRuns = sqliteTable(
  "integrity_runs",
  {
    run_id: text().primaryKey(),
    kind: text().notNull(),
    started_at: integer().notNull(),
    ended_at: integer(),
    result: text({ mode: "json" }).$type<Json>(),
  },
  (table) => [index("integrity_runs_by_kind").on(table.kind, table.started_at)],
);
