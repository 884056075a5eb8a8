// Which assets have a thumbnail and a perceptual hash, and which still wait for theirs.

import type { Asset } from "../pipeline/records.ts";
import { and, asc, eq, inArray, isNotNull, isNull, lte, sql } from "./orm.ts";
import type { Parts } from "./parts.ts";
import { ASSET_COLUMNS } from "./rows.ts";
import { assets } from "./schema.ts";

/** An asset that waits for its thumbnail, and perhaps for its hash. */
export type Unpictured = Asset & { phash: string | null };

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

/** Assets archived until then that have no thumbnail, a page, oldest first, behind the first `skip` of them. */
export function listUnpictured(
  parts: Parts,
  { until, limit, skip }: { until: number; limit: number; skip: number },
): Unpictured[] {
  return parts.db
    .select({ ...ASSET_COLUMNS, phash: assets.phash })
    .from(assets)
    .where(and(isNull(assets.thumbnail), isNull(assets.erased_at), lte(assets.archived_at, until)))
    .orderBy(asc(assets.archived_at))
    .limit(limit)
    .offset(skip)
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
