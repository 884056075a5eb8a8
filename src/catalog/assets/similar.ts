// Perceptual hashes in bulk, and the assets behind them: for finding what looks alike. What is near is decided elsewhere.

import type { Asset } from "../../domain/records.ts";
import type { CatalogContext } from "../context.ts";
import { and, eq, exists, inArray, isNull, not, or, sql } from "../db/orm.ts";
import { ASSET_COLUMNS } from "../requests/rows.ts";
import { assets, images, requests } from "../schema/requests.ts";

/** The hashes of some thousand assets. */
export interface HashPiece {
  /** 8 bytes each. */
  hashes: Uint8Array;
  /** The ids of their assets in the catalog, in the same order. */
  ids(): number[];
  /** Assets between them that were not looked at yet. */
  unhashed: number;
}

/** Questions about what looks alike. */
export interface Similar {
  /** Every hash that is recorded, in pieces in the order in which assets were recorded. */
  pieces(): Generator<HashPiece>;
  hashOf(digest: string): string | null;
  /** The assets at these ids, some hundred of them, as far as somebody still wants their bytes. */
  at(ids: readonly number[]): Map<number, Asset>;
}

export function createSimilar(context: CatalogContext): Similar {
  return {
    pieces: () => piecesOf(context),
    hashOf: (digest) =>
      context.db.select({ phash: assets.phash }).from(assets).where(eq(assets.digest, digest)).get()?.phash ?? null,
    at: (ids) => assetsAt(context, ids),
  };
}

/** Rows of a piece: their hashes make a text of 320 KB. */
const PIECE = 20_000;

const { asset_id } = assets;

/**
 * SQLite joins the hashes to one text by itself: of a million that takes a fifth of a second, where as many rows, or as many
 * calls of a function of ours, take three times as long. An index of the hashes would halve it, and make every recording
 * of an asset dearer: too much for a question that is asked now and then.
 */
function* piecesOf({ db }: CatalogContext): Generator<HashPiece> {
  const statement = db
    .select({
      hashes: sql<string | null>`group_concat(${assets.phash}, '')`,
      ids: sql<string | null>`group_concat(iif(${assets.phash} is null, null, ${asset_id}))`,
      unhashed: sql<number>`count(*) - count(${assets.phash})`,
    })
    .from(assets)
    .where(
      and(
        sql`${asset_id} >= ${sql.placeholder("from")} and ${asset_id} < ${sql.placeholder("to")}`,
        isNull(assets.erased_at),
      ),
    )
    .prepare();
  const last =
    db
      .select({ last: sql<number | null>`max(${asset_id})` })
      .from(assets)
      .get()?.last ?? 0;
  for (let from = 0; from <= last; from += PIECE) {
    const { hashes, ids, unhashed = 0 } = statement.get({ from, to: from + PIECE }) ?? {};
    yield { hashes: Buffer.from(hashes ?? "", "hex"), ids: () => (ids ?? "").split(",").map(Number), unhashed };
  }
}

function assetsAt({ db }: CatalogContext, ids: readonly number[]): Map<number, Asset> {
  const ties = () => db.select({ one: images.index }).from(images);
  const wanted = ties()
    .innerJoin(requests, eq(requests.request_id, images.request_id))
    .where(and(eq(images.asset_id, assets.asset_id), isNull(requests.deleted_at)));
  // an image that no sidecar named belongs to no request, and is nobody's to delete
  const stray = not(exists(ties().where(eq(images.asset_id, assets.asset_id))));
  const rows = db
    .select({ asset_id, asset: ASSET_COLUMNS })
    .from(assets)
    .where(and(inArray(asset_id, [...ids]), isNull(assets.erased_at), or(exists(wanted), stray)))
    .all();
  return new Map(rows.map((row) => [row.asset_id, row.asset]));
}
