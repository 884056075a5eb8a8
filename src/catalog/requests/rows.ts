// Between rows and records: the flat columns of the tables and the nested records of the pipeline. Pure.
import type { InferSelectModel } from "drizzle-orm";
import type { Asset, Call, Image, Proof, RequestDetail, RequestRecord, Webhook } from "../../domain/records.ts";
import type { Recipe } from "../../domain/request/recipe.ts";
import type { Price } from "../../domain/units.ts";
import { assets, type calls, type generations, images, type requests } from "../schema/requests.ts";

export type RequestRow = InferSelectModel<typeof requests>;
export type CallRow = InferSelectModel<typeof calls>;
export type GenerationRow = InferSelectModel<typeof generations>;

/** What a select of assets wants: the columns of the record, without those of upkeep. */
export const ASSET_COLUMNS = {
  digest: assets.digest,
  key: assets.key,
  bytes: assets.bytes,
  content_type: assets.content_type,
  width: assets.width,
  height: assets.height,
  archived_at: assets.archived_at,
};

/** What a select of images wants: the record, without the number that ties it to its asset. */
export const IMAGE_COLUMNS = {
  request_id: images.request_id,
  index: images.index,
  call_number: images.call_number,
  url: images.url,
  spool_file: images.spool_file,
  expires_at: images.expires_at,
  digest: images.digest,
  archived_at: images.archived_at,
};

export function toRequestRecord(row: RequestRow): RequestRecord {
  return {
    request_id: row.request_id,
    state: row.state,
    recipe_id: row.recipe_id,
    recipe: row.recipe_id === null ? null : toRecipeOfRow(row),
    seed_given: row.seed_given,
    response_format: row.response_format,
    collection: row.collection,
    tags: row.tags,
    metadata: row.metadata,
    reuse: row.reuse,
    webhook_url: row.webhook_url,
    content_hash: row.content_hash,
    batch_id: row.batch_id,
    batch_item: row.batch_item,
    manifest_line: row.manifest_line,
    job_id: row.job_id,
    attempt: row.attempt,
    error: toError(row),
    reused_from: row.reused_from,
    reproduces: row.reproduces,
    note: row.note,
    created_at: row.created_at,
    updated_at: row.updated_at,
    archived_at: row.archived_at,
    deleted_at: row.deleted_at,
    erase_after: row.erase_after,
    erased_at: row.erased_at,
  };
}

export function toCall(row: CallRow): Call {
  const { error_code, error_message, price_micros, price_currency, ...rest } = row;
  return { ...rest, price: toPrice({ price_micros, price_currency }), error: toError({ error_code, error_message }) };
}

export interface DetailRows {
  request: RequestRow;
  calls: CallRow[];
  generations: GenerationRow[];
  images: Image[];
  assets: Asset[];
  webhooks: Webhook[];
  proof: Proof | null;
}

export function toDetail(rows: DetailRows): RequestDetail {
  return {
    request: toRequestRecord(rows.request),
    calls: rows.calls.map(toCall),
    generations: rows.generations.map((row) => ({ ...row, usage: row.usage ?? null })),
    images: rows.images,
    assets: rows.assets,
    webhooks: rows.webhooks,
    proof: rows.proof,
  };
}

function toPrice(row: { price_micros: number | null; price_currency: string | null }): Price | null {
  const { price_micros: micros, price_currency: currency } = row;
  return micros === null || currency === null ? null : { micros, currency };
}

function toRecipeOfRow(row: RequestRow): Recipe {
  const { model, prompt, negative_prompt, aspect_ratio, n, seed, steps, guidance_scale } = row;
  return { model, prompt, negative_prompt, aspect_ratio, n, seed, steps, guidance_scale } as Recipe;
}

function toError(row: {
  error_code: string | null;
  error_message: string | null;
}): { code: string; message: string } | null {
  return row.error_code === null ? null : { code: row.error_code, message: row.error_message ?? "" };
}
