// What the second store still has to be given: a row for each key, written with the asset or the sidecar itself, so that
// neither a kill nor an outage of that store loses one.

import type { CatalogContext } from "../context.ts";
import { and, eq, isNull, sql } from "../db/orm.ts";
import { mirrorJobs } from "../schema/maintenance.ts";
import { assets, requests } from "../schema/requests.ts";

/** Something to be copied. `digest` is the image's; null for a sidecar, whose bytes change. */
export interface MirrorJob {
  key: string;
  digest: string | null;
  request_id: string | null;
  /** The recorded size of the image; null for a sidecar. */
  bytes: number | null;
  /** How often it was begun, this time included. */
  tries: number;
}

/** Asks for a copy; where one is asked for already, it is made of what the key holds by then. */
export function queueMirror(context: CatalogContext, job: Pick<MirrorJob, "key" | "digest" | "request_id">): void {
  if (!context.mirrored) return;
  context.db
    .insert(mirrorJobs)
    .values({ ...job, next_at: context.now() })
    .onConflictDoUpdate({ target: mirrorJobs.key, set: { tries: 0, next_at: context.now(), error: null } })
    .run();
}

/** Asks for the copy of an asset that has just been recorded, unless it has one. */
export function queueMirrorOfAsset(context: CatalogContext, asset: { digest: string; key: string }): void {
  if (!context.mirrored) return;
  const row = context.db.select({ at: assets.mirrored_at }).from(assets).where(eq(assets.digest, asset.digest)).get();
  if (row?.at === null) queueMirror(context, { key: asset.key, digest: asset.digest, request_id: null });
}

/** Who claimed a job and died is believed for so long, in ms. */
const CLAIM_MS = 10 * 60_000;

/** Claims the jobs that are due, at most `limit`: no other process takes them meanwhile. */
export function claimMirrorJobs(context: CatalogContext, limit: number): MirrorJob[] {
  const now = context.now();
  return context.db.all<MirrorJob>(sql`update ${mirrorJobs} set tries = tries + 1, next_at = ${now + CLAIM_MS}
    where key in (select key from ${mirrorJobs} where next_at <= ${now} order by next_at limit ${limit})
    returning key, digest, request_id, tries,
      (select ${assets.bytes} from ${assets} where ${assets.digest} = ${mirrorJobs.digest}) as bytes`);
}

/** The copy is made, of what the key held at `begunAt`. A sidecar that was asked for again meanwhile stays asked for. */
export function endMirrorJob(context: CatalogContext, job: MirrorJob, begunAt: number): void {
  context.db
    .delete(mirrorJobs)
    .where(and(eq(mirrorJobs.key, job.key), eq(mirrorJobs.tries, job.tries)))
    .run();
  noteMirrored(context, { digest: job.digest, request_id: null, at: context.now() });
  noteMirrored(context, { digest: null, request_id: job.request_id, at: begunAt });
}

/** The second store has a copy of an image, or of a sidecar as it was at that time. */
export function noteMirrored(
  { db }: CatalogContext,
  { digest, request_id, at: mirrored_at }: { digest: string | null; request_id: string | null; at: number },
): void {
  if (digest !== null) db.update(assets).set({ mirrored_at }).where(eq(assets.digest, digest)).run();
  if (request_id !== null) db.update(requests).set({ mirrored_at }).where(eq(requests.request_id, request_id)).run();
}

/** Which of these assets the second store was given. */
export function mirroredAmong({ db }: CatalogContext, digests: readonly string[]): Set<string> {
  const named = sql`(select value from json_each(${JSON.stringify(digests)}))`;
  const rows = db
    .select({ digest: assets.digest })
    .from(assets)
    .where(sql`${assets.digest} in ${named} and ${assets.mirrored_at} is not null and ${assets.erased_at} is null`)
    .all();
  return new Set(rows.map((row) => row.digest));
}

/** Whether the second store was given the sidecar of a request as it is now. */
export function isSidecarMirrored({ db }: CatalogContext, requestId: string): boolean {
  const row = db
    .select({ mirrored: sql<number>`${requests.mirrored_at} >= ${requests.sidecar_at}` })
    .from(requests)
    .where(eq(requests.request_id, requestId))
    .get();
  return row?.mirrored === 1;
}

/** Second copies that are lost or spoilt. */
export function forgetMirrored(
  { db }: CatalogContext,
  { digests = [], requests: ids = [] }: { digests?: readonly string[]; requests?: readonly string[] },
): void {
  for (const digest of digests) db.update(assets).set({ mirrored_at: null }).where(eq(assets.digest, digest)).run();
  for (const id of ids) db.update(requests).set({ mirrored_at: null }).where(eq(requests.request_id, id)).run();
}

/** The copy was not made: it is tried again after `delayMs`. */
export function delayMirrorJob(
  context: CatalogContext,
  job: MirrorJob,
  { delayMs, error }: { delayMs: number; error: string },
): void {
  context.db
    .update(mirrorJobs)
    .set({ next_at: context.now() + delayMs, error })
    .where(and(eq(mirrorJobs.key, job.key), eq(mirrorJobs.tries, job.tries)))
    .run();
}

/** How many copies are asked for. */
export function countMirrorJobs(context: CatalogContext): number {
  return context.db.get<{ jobs: number }>(sql`select count(*) as jobs from ${mirrorJobs}`).jobs;
}

/** Assets without a second copy. */
export function countUnmirrored(context: CatalogContext): number {
  const { left } = context.db
    .select({ left: sql<number>`count(*)` })
    .from(assets)
    .where(and(isNull(assets.mirrored_at), isNull(assets.erased_at)))
    .get() as { left: number };
  return left;
}
