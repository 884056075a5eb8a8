// Assets and their ties to the images of requests; and answers taken from what is archived already.
import type { SQL } from "drizzle-orm";
import { TransientError } from "../errors.ts";
import type { Call, NewAsset, RequestDetail } from "../pipeline/records.ts";
import { queueMirrorOfAsset } from "./mirror.ts";
import { and, desc, eq, isNotNull, isNull, ne, sql } from "./orm.ts";
import type { Parts } from "./parts.ts";
import { given, isGiven, prepared } from "./prepared.ts";
import { assets, calls, images, requests } from "./schema.ts";

/**
 * Records an asset, unless it stands already, and ties it to the image. Only called once the store has confirmed it. Bytes
 * that were removed once may have been put before that, and gone with it: those are recorded only where they were put again
 * after the removal that is on record. Otherwise it returns when that was. Throws a TransientError during a removal.
 */
export function recordAsset(
  parts: Parts,
  image: { request_id: string; index: number },
  { asset, putAfter }: { asset: NewAsset; putAfter?: number | undefined },
): number | undefined {
  const removal = selectRemoval(parts.db).get({ digest: asset.digest, now: parts.now() });
  if (removal?.under_way)
    throw new TransientError(
      `Cannot record image ${image.index} of request "${image.request_id}": the same bytes are just being removed for a deleted request`,
      { code: "being_erased" },
    );
  const erasedAt = removal?.erased_at ?? undefined;
  if (erasedAt !== putAfter && erasedAt !== undefined) return erasedAt;
  insertAsset(parts.db).run({ ...asset });
  queueMirrorOfAsset(parts, asset);
  const { request_id: requestId, index } = image;
  setDigest(parts.db).run({ requestId, index, digest: asset.digest, now: parts.now() });
  return undefined;
}

/** When these bytes were removed, where they were, and whether the deletion has not come to its end. */
const selectRemoval = prepared((db) =>
  db
    .select({ erased_at: assets.erased_at, under_way: sql<number>`${beingErased(given("now"))}` })
    .from(assets)
    .where(and(eq(assets.digest, given("digest")), isNotNull(assets.erased_at)))
    .prepare(),
);

const insertAsset = prepared((db) =>
  db
    .insert(assets)
    .values({
      digest: given("digest"),
      key: given("key"),
      bytes: given("bytes"),
      content_type: given("content_type"),
      width: given("width"),
      height: given("height"),
      phash: given("phash"),
      archived_at: given("archived_at"),
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
    .set({ digest: given("digest"), archived_at: given("now") })
    .where(and(eq(images.request_id, given("requestId")), eq(images.index, given("index")), isNull(images.digest)))
    .prepare(),
);

/** As a condition on `assets`: a deletion has begun to remove its bytes and has not come to its end. */
export function beingErased(now: number): SQL {
  return sql`${assets.erased_at} is not null and exists (select 1 from ${images} i join ${requests} r
    on r.request_id = i.request_id where i.digest = ${assets.digest} and r.erase_after <= ${now} and r.erased_at is null)`;
}

/** As a condition on a request that is archived: nothing is known to be wrong with its images, so it may answer others. */
export function isIntact(requestId: SQL): SQL {
  return sql`not exists (select 1 from ${images} i join ${assets} a on a.digest = i.digest where i.request_id = ${requestId}
    and (a.erased_at is not null or a.fault in ('missing', 'corrupt', 'undecodable')))`;
}

/** Bytes of an image are in the spool now: its URL may die. */
export function noteSpooled(parts: Parts, image: { request_id: string; index: number }, spoolFile: string): void {
  setSpooled(parts.db).run({ requestId: image.request_id, index: image.index, spoolFile });
}

const setSpooled = prepared((db) =>
  db
    .update(images)
    .set({ spool_file: given("spoolFile") })
    .where(and(eq(images.request_id, given("requestId")), eq(images.index, given("index")), isNull(images.digest)))
    .prepare(),
);

/**
 * Whether nobody needs this spool file any more: its image is archived, or it belongs to an answer that
 * was never committed and whose worker is dead. A living worker may be just about to commit it.
 */
export function isSpoolFileDone(parts: Parts, name: string): boolean {
  // <request_id>.<call>.<index>, and a request id may hold dots of its own
  const [, request_id = "", number, index] = /^(.+)\.(\d+)\.(\d+)$/.exec(name) ?? [];
  const image = parts.db
    .select({ digest: images.digest, spool_file: images.spool_file })
    .from(images)
    .where(and(eq(images.request_id, request_id), eq(images.index, Number(index))))
    .get();
  if (image?.spool_file === name) return image.digest !== null;
  return isAnswerLost(parts, { request_id, number: Number(number) });
}

function isAnswerLost(parts: Parts, { request_id, number }: Pick<Call, "request_id" | "number">): boolean {
  const call = parts.db
    .select({ worker_id: calls.worker_id, state: calls.state })
    .from(calls)
    .where(and(eq(calls.request_id, request_id), eq(calls.number, number)))
    .get();
  return call?.state === "unknown" && !parts.isWorkerAlive(call.worker_id);
}

/**
 * Answers an explicit-seed request with the images of the newest archived one of the same recipe. One that has made calls
 * in vain is answered too: its twin may have been archived meanwhile. A reproduction may show something else than what it
 * reproduces, so it answers only where nothing else of the recipe is left.
 */
export function reuseArchived(parts: Parts, requestId: string): RequestDetail | undefined {
  const row = parts.reader.row(requestId);
  if (row === undefined || !row.seed_given || !row.reuse || row.recipe_id === null) return undefined;
  if (!isUntouched(parts, requestId)) return undefined;
  const source = selectSource(parts.db).get({ recipeId: row.recipe_id, requestId })?.request_id;
  if (source === undefined) return undefined;
  tieImages(parts, { requestId, source });
  return parts.reader.detail(requestId);
}

const selectSource = prepared((db) =>
  db
    .select({ request_id: requests.request_id })
    .from(requests)
    .where(
      and(
        isGiven(requests.recipe_id, "recipeId"),
        // with "+" out of sight of the index by state, in which nearly all are archived
        sql`+${requests.state} = 'archived'`,
        ne(requests.request_id, given("requestId")),
        isNull(requests.deleted_at),
        isIntact(sql`${requests.request_id}`),
      ),
    )
    .orderBy(sql`${requests.reproduces} is not null`, desc(requests.archived_at))
    .prepare(),
);

// nothing came yet, and nothing is on its way
function isUntouched(parts: Parts, requestId: string): boolean {
  const detail = parts.reader.detail(requestId);
  const state = detail?.request.state;
  if (detail === undefined || (state !== "queued" && state !== "generating")) return false;
  return detail.images.length === 0 && detail.calls.every((call) => call.state !== "sent");
}

function tieImages(parts: Parts, { requestId, source }: { requestId: string; source: string }): void {
  const now = parts.now();
  const shared = parts.db.select().from(images).where(eq(images.request_id, source)).all();
  parts.db
    .insert(images)
    .values(shared.map(({ index, digest }) => ({ request_id: requestId, index, digest, archived_at: now })))
    .run();
  parts.db
    .update(requests)
    .set({ state: "copying", reused_from: source, updated_at: now })
    .where(eq(requests.request_id, requestId))
    .run();
}
