// What is known about whether the store still holds what the catalog says: when each asset was last proven, what was found.
import { randomUUID } from "node:crypto";
import { imageDigest } from "../../domain/keys.ts";
import type { Asset, AssetFault } from "../../domain/records.ts";
import type { Json } from "../../domain/request/canonical-json.ts";
import { assetIdOf, beingErased } from "../assets/assets.ts";
import type { CatalogContext } from "../context.ts";
import { and, desc, eq, isNull, sql } from "../db/orm.ts";
import { ASSET_COLUMNS } from "../requests/rows.ts";
import { integrityRuns } from "../schema/maintenance.ts";
import { assets, images, requests } from "../schema/requests.ts";

/** A run over the whole catalog. One that has not ended goes on where it was. */
export interface IntegrityRun {
  run_id: string;
  started_at: number;
  /** Whether it was begun earlier. */
  resumed: boolean;
  /** What it has noted last about how far it is. */
  progress: Json | null;
}

/** Begins a run of a kind, or finds the one that was cut short. */
export function startRun(context: CatalogContext, kind: string): IntegrityRun {
  const open = context.db
    .select()
    .from(integrityRuns)
    .where(and(eq(integrityRuns.kind, kind), isNull(integrityRuns.ended_at)))
    .orderBy(desc(integrityRuns.started_at))
    .limit(1)
    .get();
  if (open !== undefined)
    return { run_id: open.run_id, started_at: open.started_at, resumed: true, progress: open.result };
  const run = { run_id: newRunId(context.now()), started_at: context.now() };
  context.db
    .insert(integrityRuns)
    .values({ ...run, kind })
    .run();
  return { ...run, resumed: false, progress: null };
}

/** The id of a run, also of one that is not recorded: it begins with its time. */
export function newRunId(nowMs: number): string {
  return `${new Date(nowMs).toISOString().replace(/[-:]|\.\d+/g, "")}-${randomUUID().slice(0, 8)}`;
}

/** Notes how far an open run is. */
export function recordProgress(context: CatalogContext, runId: string, progress: Json): void {
  const isOpen = and(eq(integrityRuns.run_id, runId), isNull(integrityRuns.ended_at));
  context.db.update(integrityRuns).set({ result: progress }).where(isOpen).run();
}

export function endRun(context: CatalogContext, runId: string, result: Json): void {
  context.db
    .update(integrityRuns)
    .set({ ended_at: context.now(), result })
    .where(eq(integrityRuns.run_id, runId))
    .run();
}

/**
 * The places of all assets that were not proven since then, the longest unproven first; with `sample`, so many of them by
 * chance. Eight bytes for each: a million fit into memory.
 */
export function listUnproven(
  context: CatalogContext,
  { since, sample }: { since: number; sample?: number | undefined },
): number[] {
  const order = sample === undefined ? sql`coalesce(verified_at, 0), rowid` : sql`random()`;
  const limit = sample === undefined ? sql`` : sql`limit ${sample}`;
  return context.db
    .all<{ place: number }>(
      sql`select rowid as place from ${assets} where erased_at is null and coalesce(verified_at, 0) < ${since} order by ${order} ${limit}`,
    )
    .map((row) => row.place);
}

/** The assets at these places. */
export function assetsByIds(context: CatalogContext, places: readonly number[]): Asset[] {
  return context.db
    .select(ASSET_COLUMNS)
    .from(assets)
    .where(sql`${assets}.rowid in (select value from json_each(${JSON.stringify(places)}))`)
    .all();
}

/** Writes down what a reading found: null is proven. */
export function recordProofs(
  context: CatalogContext,
  proofs: readonly { digest: string; fault: AssetFault | null }[],
): void {
  const verified_at = context.now();
  for (const { digest, fault } of proofs) {
    // bytes that are good again may show what they did not before
    const found = fault === null ? { fault, verified_at, thumbnail: sql`nullif(thumbnail, 'impossible')` } : { fault };
    context.db.update(assets).set(found).where(eq(assets.digest, digest)).run();
  }
}

/** Makes an asset's row what its bytes are. */
export function correctAsset(context: CatalogContext, asset: Omit<Asset, "archived_at">): void {
  const { digest, ...facts } = asset;
  context.db
    .update(assets)
    .set({ ...facts, fault: null, verified_at: context.now() })
    .where(eq(assets.digest, digest))
    .run();
}

/** Which of these keys belong to no asset. Bytes that are just being removed are no find either. */
export function findUnknownKeys(context: CatalogContext, keys: readonly string[]): string[] {
  const named = JSON.stringify(keys.flatMap((key) => imageDigest(key) ?? []));
  const known = context.db.all<{ key: string }>(
    sql`select key from ${assets} where digest in (select value from json_each(${named}))
      and (erased_at is null or (${beingErased(context.now())}))`,
  );
  const ours = new Set(known.map(({ key }) => key));
  return keys.filter((key) => !ours.has(key));
}

/** The requests whose sidecars must be in the store, in pages of ids, those behind `beyond`. */
export function* listWithSidecar(context: CatalogContext, beyond = ""): Generator<string[]> {
  let after = beyond;
  for (;;) {
    const page = context.db
      .select({ id: requests.request_id })
      .from(requests)
      .where(sql`${requests.request_id} > ${after} and ${requests.sidecar_at} is not null`)
      .orderBy(requests.request_id)
      .limit(PAGE)
      .all()
      .map((row) => row.id);
    if (page.length > 0) yield page;
    after = page.at(-1) ?? "";
    if (page.length < PAGE) return;
  }
}

const PAGE = 500;

/** The sealed requests that these assets belong to. */
export function requestsWithSidecar(context: CatalogContext, digests: readonly string[]): string[] {
  const named = sql`(select value from json_each(${JSON.stringify(digests)}))`;
  const places = sql`(select asset_id from ${assets} where digest in ${named})`;
  return context.db
    .selectDistinct({ id: images.request_id })
    .from(images)
    .innerJoin(requests, eq(requests.request_id, images.request_id))
    .where(and(sql`${images.asset_id} in ${places}`, sql`${requests.sidecar_at} is not null`))
    .all()
    .map((row) => row.id);
}

/** Addresses from which the image came and that may still live. Signed: never shown to anybody. */
export function liveUrls(context: CatalogContext, digest: string): string[] {
  const rows = context.db
    .select({ url: images.url })
    .from(images)
    .where(
      and(
        eq(images.asset_id, assetIdOf(digest)),
        sql`${images.url} is not null and ${images.expires_at} > ${context.now()}`,
      ),
    )
    .all();
  return rows.flatMap((row) => row.url ?? []);
}
