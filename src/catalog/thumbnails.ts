// Which assets have a thumbnail and a perceptual hash, and which still wait for theirs.

import type { Asset } from "../pipeline/records.ts";
import { and, asc, eq, inArray, isNotNull, isNull, lte, sql } from "./orm.ts";
import type { Parts } from "./parts.ts";
import { ASSET_COLUMNS } from "./rows.ts";
import { assets } from "./schema.ts";

/** An asset that waits for its thumbnail, and perhaps for its hash; `place` tells those of one time apart. */
export type Unpictured = Asset & { phash: string | null; place: number };

/** What looking at an asset later brought. Without a hash nothing could be seen: its bytes are gone or show no image. */
export interface LateLook {
  digest: string;
  phash: string | null;
  thumbnail: "stored" | "impossible";
}

/** The thumbnails of these assets are in the store; returns those of which the bytes were erased meanwhile. */
export function noteThumbnails(parts: Parts, digests: readonly string[]): string[] {
  const these = inArray(assets.digest, [...digests]);
  parts.db
    .update(assets)
    .set({ thumbnail: "stored" })
    .where(and(these, isNull(assets.erased_at)))
    .run();
  return parts.db
    .select({ digest: assets.digest })
    .from(assets)
    .where(and(these, isNotNull(assets.erased_at)))
    .all()
    .map((row) => row.digest);
}

/** Assets archived until then that have no thumbnail, a page, oldest first, from the one behind `after`. */
export function listUnpictured(
  parts: Parts,
  { until, limit, after }: { until: number; limit: number; after?: Unpictured | undefined },
): Unpictured[] {
  const { archived_at, place } = after ?? { archived_at: Number.MIN_SAFE_INTEGER, place: 0 };
  return parts.db
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
export function noteLateLooks(parts: Parts, looks: readonly LateLook[]): void {
  for (const { digest, phash, thumbnail } of looks)
    parts.db
      .update(assets)
      .set({ thumbnail, phash: sql`coalesce(${phash}, ${assets.phash})` })
      .where(eq(assets.digest, digest))
      .run();
}
