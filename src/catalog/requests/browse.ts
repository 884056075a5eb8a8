// Pages of assets for people who browse the catalog, newest first, and look-ups of a few rows.
// One page is one short read; nothing here walks the whole catalog.

import type { Asset, AssetFault, RequestState } from "../../domain/records.ts";
import { assetIdOf } from "../assets/assets.ts";
import type { CatalogContext } from "../context.ts";
import { and, asc, desc, eq, gte, inArray, isNull, lt, sql } from "../db/orm.ts";
import { assets, images, requests } from "../schema/requests.ts";
import { ASSET_COLUMNS } from "./rows.ts";

/** A page, and where the next one begins; null after the last. */
export interface Page<Item, Cursor> {
  items: Item[];
  next: Cursor | null;
}

/** Times in ms; null: not yet, or nothing. */
export interface AssetMaintenance {
  verified_at: number | null;
  fault: AssetFault | null;
  mirrored_at: number | null;
  erased_at: number | null;
}

/** What browsing the catalog needs. */
export interface Browse {
  /** All whose bytes are to be in the store. The cursor is an `asset_id`: ids grow in the order of recording. */
  assets(page: { after?: number | undefined; limit: number }): Page<Asset, number>;
  asset(digest: string): Asset | undefined;
  /** The assets whose digests begin with these hex digits, at most `limit` of them. */
  assetsLike(digits: string, limit: number): Asset[];
  /** What upkeep knows about an asset: when it was last proven, what was wrong then, when it was copied, and when it went. */
  maintenanceOf(digest: string): AssetMaintenance | undefined;
  /** The requests that an asset belongs to, oldest first, at most `limit` of them. */
  imagesOf(digest: string, limit: number): { request_id: string; index: number }[];
  /** The states of these requests; an unknown id is missing from the answer. */
  states(ids: readonly string[]): Map<string, RequestState>;
  /** The newest request with this content that was accepted since then and has neither failed nor been cancelled. */
  findDuplicateContent(contentHash: string, sinceMs: number): string | undefined;
}

export function createBrowse(context: CatalogContext): Browse {
  return {
    assets: (page) => pageOfAssets(context, page),
    asset: (digest) => context.db.select(ASSET_COLUMNS).from(assets).where(eq(assets.digest, digest)).get(),
    assetsLike: (digits, limit) =>
      // a range, not a pattern: it uses the index of digests, and "g" comes after every hex digit
      context.db
        .select(ASSET_COLUMNS)
        .from(assets)
        .where(and(gte(assets.digest, digits), lt(assets.digest, `${digits}g`)))
        .limit(limit)
        .all(),
    maintenanceOf: (digest) => {
      const { verified_at, fault, mirrored_at, erased_at } = assets;
      const columns = { verified_at, fault, mirrored_at, erased_at };
      return context.db.select(columns).from(assets).where(eq(assets.digest, digest)).get();
    },
    imagesOf: (digest, limit) => imagesOf(context, digest, limit),
    states: (ids) => statesOf(context, ids),
    findDuplicateContent: (contentHash, sinceMs) => findTwin(context, contentHash, sinceMs),
  };
}

// SQLite numbers the rows as they come, so the newest assets are found without an index of their own
const { asset_id } = assets;

function pageOfAssets(
  context: CatalogContext,
  { after, limit }: { after?: number | undefined; limit: number },
): Page<Asset, number> {
  const rows = context.db
    .select({ asset: ASSET_COLUMNS, asset_id })
    .from(assets)
    .where(and(isNull(assets.erased_at), after === undefined ? undefined : lt(asset_id, after)))
    .orderBy(desc(asset_id))
    .limit(limit + 1)
    .all();
  const kept = rows.slice(0, limit);
  return {
    items: kept.map(({ asset }) => asset),
    next: rows.length > limit ? (kept.at(-1)?.asset_id ?? null) : null,
  };
}

function imagesOf(context: CatalogContext, digest: string, limit: number): { request_id: string; index: number }[] {
  return context.db
    .select({ request_id: images.request_id, index: images.index })
    .from(images)
    .where(eq(images.asset_id, assetIdOf(digest)))
    .orderBy(asc(images.archived_at), asc(images.request_id), asc(images.index))
    .limit(limit)
    .all();
}

/** Variables in one statement; SQLite allows more, but a page of this size takes a fraction of a millisecond. */
const IDS_AT_ONCE = 500;

function statesOf(context: CatalogContext, ids: readonly string[]): Map<string, RequestState> {
  const states = new Map<string, RequestState>();
  for (let from = 0; from < ids.length; from += IDS_AT_ONCE) {
    const rows = context.db
      .select({ request_id: requests.request_id, state: requests.state })
      .from(requests)
      .where(inArray(requests.request_id, ids.slice(from, from + IDS_AT_ONCE)))
      .all();
    for (const row of rows) states.set(row.request_id, row.state);
  }
  return states;
}

function findTwin(context: CatalogContext, contentHash: string, sinceMs: number): string | undefined {
  return context.db
    .select({ request_id: requests.request_id })
    .from(requests)
    .where(
      and(
        sql`${requests.created_at} >= ${sinceMs}`,
        eq(requests.content_hash, contentHash),
        isNull(requests.deleted_at),
        // with "+" out of sight of the index by state, which would lead through nearly all there are
        sql`+${requests.state} in ('queued', 'generating', 'copying', 'archived', 'parked')`,
      ),
    )
    .orderBy(desc(requests.created_at))
    .limit(1)
    .get()?.request_id;
}
