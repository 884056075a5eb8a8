// Reads one request with everything that belongs to it, through statements prepared once.

import type { Batch } from "../../domain/batch.ts";
import type { Proof, RequestDetail } from "../../domain/records.ts";
import type { Db } from "../db/database.ts";
import { asc, eq, sql } from "../db/orm.ts";
import { equalsParam } from "../db/prepared.ts";
import { batches } from "../schema/batches.ts";
import { proofImages, proofs } from "../schema/proofs.ts";
import { assets, calls, generations, images, requests, webhooks } from "../schema/requests.ts";
import { ASSET_COLUMNS, IMAGE_COLUMNS, type RequestRow, toDetail } from "./rows.ts";

export interface Reader {
  /** The bare row, or undefined. */
  row(requestId: string): RequestRow | undefined;
  detail(requestId: string): RequestDetail | undefined;
  /** Of a reproduction that has been compared. */
  proof(requestId: string): Proof | null;
  batch(batchId: string): Batch | undefined;
}

export function createReader(db: Db): Reader {
  const id = sql.placeholder("id");
  const request = db.select().from(requests).where(eq(requests.request_id, id)).prepare();
  const batch = db.select().from(batches).where(eq(batches.batch_id, id)).prepare();
  const callsOf = db
    .select()
    .from(calls)
    .where(equalsParam(calls.request_id, "id"))
    .orderBy(asc(calls.number))
    .prepare();
  const generationsOf = db.select().from(generations).where(eq(generations.request_id, id)).prepare();
  const imagesOf = db
    .select(IMAGE_COLUMNS)
    .from(images)
    .where(equalsParam(images.request_id, "id"))
    .orderBy(asc(images.index))
    .prepare();
  const assetsOf = db
    .selectDistinct(ASSET_COLUMNS)
    .from(images)
    .innerJoin(assets, eq(assets.asset_id, images.asset_id))
    .where(equalsParam(images.request_id, "id"))
    .prepare();
  const webhooksOf = db
    .select()
    .from(webhooks)
    .where(equalsParam(webhooks.request_id, "id"))
    .orderBy(asc(webhooks.number))
    .prepare();
  const proofOf = db.select().from(proofs).where(eq(proofs.request_id, id)).prepare();
  const proofImagesOf = db
    .select(PROOF_IMAGE_COLUMNS)
    .from(proofImages)
    .where(equalsParam(proofImages.request_id, "id"))
    .orderBy(asc(proofImages.index))
    .prepare();

  function proof(requestId: string): Proof | null {
    const found = proofOf.get({ id: requestId });
    return found === undefined ? null : { ...found, images: proofImagesOf.all({ id: requestId }) };
  }

  function detail(requestId: string): RequestDetail | undefined {
    const row = request.get({ id: requestId });
    if (row === undefined) return undefined;
    return toDetail({
      request: row,
      calls: callsOf.all({ id: requestId }),
      generations: generationsOf.all({ id: requestId }),
      images: imagesOf.all({ id: requestId }),
      assets: assetsOf.all({ id: requestId }),
      // only a request with a webhook has events: the others are spared the question
      webhooks: row.webhook_url === null ? [] : webhooksOf.all({ id: requestId }),
      // and only a reproduction has a proof
      proof: row.reproduces === null ? null : proof(requestId),
    });
  }

  return {
    row: (requestId) => request.get({ id: requestId }),
    detail,
    proof,
    batch: (batchId) => batch.get({ id: batchId }),
  };
}

/** What a select of a proof's images wants: the record, without the request it belongs to. */
export const PROOF_IMAGE_COLUMNS = {
  index: proofImages.index,
  outcome: proofImages.outcome,
  distance: proofImages.distance,
  mean_error: proofImages.mean_error,
  digest: proofImages.digest,
  original_digest: proofImages.original_digest,
  reason: proofImages.reason,
};
