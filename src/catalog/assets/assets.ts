// Assets: how they are recorded and tied to the images of requests, and what may be believed of them.
import type { SQL } from "drizzle-orm";
import { TransientError } from "../../domain/errors.ts";
import type { NewAsset } from "../../domain/records.ts";
import type { CatalogContext } from "../context.ts";
import { and, eq, isNotNull, isNull, sql } from "../db/orm.ts";
import { param, prepared } from "../db/prepared.ts";
import { queueMirrorOfAsset } from "../integrity/mirror.ts";
import { assets, images, requests } from "../schema/requests.ts";

/**
 * Records an asset, unless it stands already, and ties it to the image. Only called once the store has confirmed it. Bytes
 * that were removed once may have been put before that, and gone with it: those are recorded only where they were put again
 * after the removal that is on record. Otherwise it returns when that was. Throws a TransientError during a removal.
 */
export function recordAsset(
  context: CatalogContext,
  image: { request_id: string; index: number },
  { asset, putAfter }: { asset: NewAsset; putAfter?: number | undefined },
): number | undefined {
  const removal = selectRemoval(context.db).get({ digest: asset.digest, now: context.now() });
  if (removal?.under_way)
    throw new TransientError(
      `Cannot record image ${image.index} of request "${image.request_id}": the same bytes are just being removed for a deleted request`,
      { code: "being_erased" },
    );
  const erasedAt = removal?.erased_at ?? undefined;
  if (erasedAt !== putAfter && erasedAt !== undefined) return erasedAt;
  insertAsset(context.db).run({ ...asset });
  queueMirrorOfAsset(context, asset);
  const { request_id: requestId, index } = image;
  setDigest(context.db).run({ requestId, index, digest: asset.digest, now: context.now() });
  return undefined;
}

/** When these bytes were removed, where they were, and whether the deletion has not come to its end. */
const selectRemoval = prepared((db) =>
  db
    .select({ erased_at: assets.erased_at, under_way: sql<number>`${beingErased(param("now"))}` })
    .from(assets)
    .where(and(eq(assets.digest, param("digest")), isNotNull(assets.erased_at)))
    .prepare(),
);

const insertAsset = prepared((db) =>
  db
    .insert(assets)
    .values({
      digest: param("digest"),
      key: param("key"),
      bytes: param("bytes"),
      content_type: param("content_type"),
      width: param("width"),
      height: param("height"),
      phash: param("phash"),
      archived_at: param("archived_at"),
    })
    // bytes that were removed once, or that the store had lost, are there again
    .onConflictDoUpdate({
      target: assets.digest,
      set: { erased_at: null, mirrored_at: null, verified_at: null, fault: null, thumbnail: null },
      setWhere: sql`${assets.erased_at} is not null or ${assets.fault} is not null`,
    })
    .prepare(),
);

const setDigest = prepared((db) =>
  db
    .update(images)
    .set({ digest: param("digest"), asset_id: assetIdOf(param("digest")), archived_at: param("now") })
    .where(and(eq(images.request_id, param("requestId")), eq(images.index, param("index")), isNull(images.digest)))
    .prepare(),
);

/** The number of the asset with this digest. */
export function assetIdOf(digest: string): SQL {
  return sql`(select asset_id from assets where digest = ${digest})`;
}

/** As a condition on `assets`: a deletion has begun to remove its bytes and has not come to its end. */
export function beingErased(now: number): SQL {
  return sql`${assets.erased_at} is not null and exists (select 1 from ${images} i join ${requests} r
    on r.request_id = i.request_id where i.asset_id = ${assets.asset_id} and r.erase_after <= ${now} and r.erased_at is null)`;
}

/** As a condition on a request that is archived: nothing is known to be wrong with its images, so it may answer others. */
export function isIntact(requestId: SQL): SQL {
  return sql`not exists (select 1 from ${images} i join ${assets} a on a.asset_id = i.asset_id where i.request_id = ${requestId}
    and (a.erased_at is not null or a.fault in ('missing', 'corrupt', 'undecodable')))`;
}
