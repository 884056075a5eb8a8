// Reads one request with everything that belongs to it, through statements prepared once.
import { asc, eq, sql } from "drizzle-orm";
import type { Batch } from "../pipeline/batch.ts";
import type { RequestDetail } from "../pipeline/records.ts";
import type { Db } from "./database.ts";
import { ASSET_COLUMNS, type RequestRow, toDetail } from "./rows.ts";
import { assets, calls, generations, images, requests, webhooks } from "./schema.ts";
import { batches } from "./schema-batches.ts";

export interface Reader {
  /** The bare row, or undefined. */
  row(requestId: string): RequestRow | undefined;
  detail(requestId: string): RequestDetail | undefined;
  batch(batchId: string): Batch | undefined;
}

export function createReader(db: Db): Reader {
  const id = sql.placeholder("id");
  const request = db.select().from(requests).where(eq(requests.request_id, id)).prepare();
  const batch = db.select().from(batches).where(eq(batches.batch_id, id)).prepare();
  const callsOf = db.select().from(calls).where(eq(calls.request_id, id)).orderBy(asc(calls.number)).prepare();
  const generationsOf = db.select().from(generations).where(eq(generations.request_id, id)).prepare();
  const imagesOf = db.select().from(images).where(eq(images.request_id, id)).orderBy(asc(images.index)).prepare();
  const assetsOf = db
    .selectDistinct(ASSET_COLUMNS)
    .from(images)
    .innerJoin(assets, eq(assets.digest, images.digest))
    .where(eq(images.request_id, id))
    .prepare();
  const webhooksOf = db
    .select()
    .from(webhooks)
    .where(eq(webhooks.request_id, id))
    .orderBy(asc(webhooks.number))
    .prepare();

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
    });
  }

  return {
    row: (requestId) => request.get({ id: requestId }),
    detail,
    batch: (batchId) => batch.get({ id: batchId }),
  };
}
