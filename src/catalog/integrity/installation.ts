// The identity of a catalog: which installation it belongs to, and the oldest program that may use it.
import { VERSION } from "../../app/version.ts";
import type { Db } from "../db/database.ts";
import { eq, sql } from "../db/orm.ts";
import { batches } from "../schema/batches.ts";
import { installation } from "../schema/installation.ts";
import { assets, requests } from "../schema/requests.ts";

/** The id, or undefined for a catalog that has none yet. */
export function readInstallationId(db: Db): string | undefined {
  return db.select().from(installation).where(eq(installation.row, 1)).get()?.installation_id;
}

/** Gives a catalog without an identity this one; returns the one it has in the end. */
export function claimInstallation(db: Db, { id, now }: { id: string; now: number }): string {
  db.insert(installation)
    .values({ row: 1, installation_id: id, created_at: now, min_version: VERSION })
    .onConflictDoNothing()
    .run();
  return readInstallationId(db) ?? id;
}

/** Whether nothing was ever recorded here. */
export function isEmptyCatalog(db: Db): boolean {
  return [requests, batches, assets].every(
    (table) => db.get<unknown>(sql`select 1 from ${table} limit 1`) === undefined,
  );
}
