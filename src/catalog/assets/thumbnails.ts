// Which assets have a thumbnail and a perceptual hash, and which still wait for theirs.

import type { Asset } from "../../domain/records.ts";
import type { CatalogContext } from "../context.ts";
import { and, asc, eq, inArray, isNotNull, isNull, lte, sql } from "../db/orm.ts";
import { ASSET_COLUMNS } from "../requests/rows.ts";
import { assets } from "../schema/requests.ts";

/** An asset that waits for its thumbnail, and perhaps for its hash; `place` tells those of one time apart. */
export type WithoutThumbnail = Asset & { phash: string | null; place: number };

/** What looking at an asset later brought. Without a hash nothing could be seen: its bytes are gone or show no image. */
export interface BackfillAttempt {
  digest: string;
  phash: string | null;
  thumbnail: "stored" | "impossible";
}

/** The thumbnails of these assets are in the store; returns those of which the bytes were erased meanwhile. */
export function recordThumbnails(context: CatalogContext, digests: readonly string[]): string[] {
  const these = inArray(assets.digest, [...digests]);
  context.db
    .update(assets)
    .set({ thumbnail: "stored" })
    .where(and(these, isNull(assets.erased_at)))
    .run();
  return context.db
    .select({ digest: assets.digest })
    .from(assets)
    .where(and(these, isNotNull(assets.erased_at)))
    .all()
    .map((row) => row.digest);
}

/** Assets archived until then that have no thumbnail, a page, oldest first, from the one behind `after`. */
export function listWithoutThumbnail(
  context: CatalogContext,
  { until, limit, after }: { until: number; limit: number; after?: WithoutThumbnail | undefined },
): WithoutThumbnail[] {
  const { archived_at, place } = after ?? { archived_at: Number.MIN_SAFE_INTEGER, place: 0 };
  return context.db
    .select({ ...ASSET_COLUMNS, phash: assets.phash, place: sql<number>`rowid` })
    .from(assets)
    .where(
      and(
        isNull(assets.thumbnail),
        isNull(assets.erased_at),
        lte(assets.archived_at, until),
        sql`(${assets.archived_at}, rowid) > (${archived_at}, ${place})`,
      ),
    )
    .orderBy(asc(assets.archived_at), sql`rowid`)
    .limit(limit)
    .all();
}

/** Writes down what was seen late. */
export function recordBackfillAttempts(context: CatalogContext, looks: readonly BackfillAttempt[]): void {
  for (const { digest, phash, thumbnail } of looks)
    context.db
      .update(assets)
      .set({ thumbnail, phash: sql`coalesce(${phash}, ${assets.phash})` })
      .where(eq(assets.digest, digest))
      .run();
}
