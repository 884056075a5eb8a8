// The forms of what goes in and out over HTTP, as zod schemas: the OpenAPI document is made of them, and the tests hold the
// answers against them. The job form itself lives in src/request.
import { z } from "zod";
import { ASPECT_RATIOS } from "../domain/request/recipe.ts";

const time = z.iso.datetime();
const reason = z.strictObject({ code: z.string(), message: z.string() });

/** An amount of money. */
export const moneySchema = z.strictObject({ amount: z.number(), currency: z.string() });

/** Where a request is. */
export const requestState = z.enum(["queued", "generating", "copying", "archived", "failed", "parked", "cancelled"]);

export const callSchema = z.strictObject({
  number: z.int(),
  state: z.enum(["sent", "answered", "refused", "unknown"]),
  n: z.int(),
  seed: z.int(),
  price: moneySchema.nullable(),
  sent_at: time,
  ended_at: time.nullable(),
  http_status: z.int().nullable(),
  api_request_id: z.string().nullable(),
  error: reason.nullable(),
  answer_file: z.string().nullable(),
});

export const archivedAssetSchema = z.strictObject({
  index: z.int(),
  digest: z.string(),
  key: z.string(),
  bytes: z.int(),
  content_type: z.enum(["image/png", "image/jpeg", "image/webp"]),
  width: z.int(),
  height: z.int(),
});

const links = { url: z.url().nullable(), thumbnail_url: z.url().nullable() };

/** With its absolute addresses, signed where the server requires tokens; null once its bytes were removed. */
const linkedAssetSchema = z.strictObject({ ...archivedAssetSchema.shape, ...links });

const recipeShape = {
  model: z.string(),
  prompt: z.string(),
  negative_prompt: z.string(),
  aspect_ratio: z.enum(ASPECT_RATIOS),
  n: z.int(),
  seed: z.int(),
  steps: z.int(),
  guidance_scale: z.number(),
};

export const webhookSchema = z.strictObject({
  url: z.string(),
  events: z.array(
    z.strictObject({
      event_id: z.string(),
      event: z.string(),
      state: z.string(),
      attempts: z.int(),
      last_error: z.string().nullable(),
      delivered_at: time.nullable(),
    }),
  ),
});

/** A request as shown; the fields of the recipe are missing where the data never fitted. */
export const requestSchema = z.strictObject({
  request_id: z.string(),
  state: requestState,
  recipe_id: z.string().nullable(),
  ...z.object(recipeShape).partial().shape,
  collection: z.string(),
  batch: z.string().nullable(),
  tags: z.array(z.string()),
  metadata: z.unknown(),
  reused_from: z.string().nullable(),
  reproduces: z.string().nullable(),
  note: z.string().nullable(),
  error: reason.nullable(),
  created_at: time,
  updated_at: time,
  archived_at: time.nullable(),
  deleted_at: time.nullable(),
  erased_at: time.nullable(),
  calls: z.array(callSchema),
  assets: z.array(linkedAssetSchema),
  webhook: webhookSchema.nullable(),
});

/** A page; `complete` is false while so much was just accepted that words of it may not be found yet. */
function pageOf<Item extends z.ZodType>(item: Item) {
  return z.strictObject({ data: z.array(item), next_cursor: z.string().nullable(), complete: z.boolean() });
}

export const requestPageSchema = pageOf(requestSchema);

export const rereadSchema = z.strictObject({
  request_id: z.string(),
  reread: z.boolean(),
  images: z.int(),
  missing: z.int(),
  state: requestState,
  reason: z.string().nullable(),
});

export const retriedSchema = z.strictObject({
  request_id: z.string(),
  retried: z.literal(true),
  stage: z.enum(["generate", "archive"]),
  pays: z.boolean(),
  again: z.boolean(),
  state: requestState,
  request: requestSchema,
});

const text = z.string().min(1).max(2_000).optional();

/** An action on all requests that a filter finds. */
export const actionSchema = z.strictObject({
  action: z.enum(["retry"]),
  filter: z.strictObject({
    state: z.enum(["failed", "parked"]).optional(),
    collection: text,
    batch: text,
    code: text,
    search: text,
  }),
  dry_run: z.boolean().optional(),
});

export const actionResultSchema = z.strictObject({
  action: z.enum(["retry"]),
  dry_run: z.boolean(),
  requests: z.int(),
  pays: z.int(),
  images: z.int(),
  price: z.strictObject({ amount: z.number(), currency: z.string() }).nullable(),
  not_retryable: z.int(),
});

export const assetSchema = z.strictObject({
  ...archivedAssetSchema.omit({ index: true }).shape,
  archived_at: time,
  content_url: z.string(),
  ...links,
});

export const assetPageSchema = pageOf(assetSchema);

export const assetDetailSchema = z.strictObject({
  ...assetSchema.shape,
  images: z.array(z.strictObject({ request_id: z.string(), index: z.int() })),
});

const fault = z.strictObject({ field: z.string(), message: z.string() });

export const errorSchema = z.strictObject({
  error: z.strictObject({
    code: z.string(),
    message: z.string(),
    type: z.string(),
    param: z.string().nullable(),
    faults: z.array(fault).optional(),
  }),
});

/** One line of the answer of a bulk. */
export const bulkLineSchema = z.union([
  z.strictObject({ line: z.int(), request_id: z.string(), state: requestState, assets: z.array(linkedAssetSchema) }),
  z.strictObject({ line: z.int(), request_id: z.string().nullable(), error: errorSchema.shape.error }),
]);

const jobs = z.strictObject({ waiting: z.int(), active: z.int(), delayed: z.int(), failed: z.int() }).nullable();

export const statusSchema = z.object({
  generate: jobs,
  archive: jobs,
  store: z
    .strictObject({
      ok: z.boolean(),
      error: z.strictObject({ code: z.string(), message: z.string() }).nullable(),
    })
    .nullable(),
  gate: z.looseObject({ reason: z.string().nullable(), code: z.string().nullable() }).nullable(),
  workers: z.array(
    z.looseObject({
      id: z.string(),
      host: z.string(),
      version: z.string(),
      last_seen: time.nullable(),
      alive: z.boolean(),
      generate: z.int().nullable(),
      archive: z.int().nullable(),
      concurrency: z.strictObject({ generate: z.int(), archive: z.int() }),
    }),
  ),
  last_worker_seen: time.nullable(),
  requests: z.record(requestState, z.int()),
  calls: z.record(z.enum(["sent", "answered", "refused", "unknown"]), z.int()),
  seconds_to_nearest_loss: z.number().nullable(),
});

/** Why a request has not ended yet. */
export const waitingSchema = z.strictObject({
  request_id: z.string(),
  state: requestState,
  reasons: z.array(z.looseObject({ code: z.string(), message: z.string(), next_try_at: time.nullable() })),
});

/** The image API's own answer. */
export const imagesAnswerSchema = z.strictObject({
  created: z.int(),
  data: z.array(z.union([z.strictObject({ url: z.string() }), z.strictObject({ b64_json: z.string() })])),
  usage: z.unknown(),
});

export const aliveSchema = z.strictObject({ status: z.literal("alive") });

const part = z.enum(["reachable", "unreachable"]);

export const readySchema = z.strictObject({
  ready: z.boolean(),
  catalog: part,
  redis: part,
  store: part,
});
