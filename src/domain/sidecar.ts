// The sidecar: everything about a request in one JSON file beside its images, sufficient to rebuild the catalog. Pure.
// Reading checks every field, since anyone may write to the store. Version 1 has grown: fields that older sidecars lack have
// a default here, and fields that a newer version adds are ignored.
import { z } from "zod";
import { RejectedError, toMessage } from "./errors.ts";
import { imageKey } from "./keys.ts";
import type { Asset, Call, Generation, Image, Proof, RequestDetail, RequestRecord } from "./records.ts";
import { redactUrl } from "./request/http-url.ts";
import { parseDocument } from "./request/json-document.ts";
import { ASPECT_RATIOS, recipeId } from "./request/recipe.ts";
import { RECORDED_ID_PATTERN } from "./request/request-id.ts";
import { fromMoney, type Money, toMoney } from "./units.ts";

type RequestTimes = "created_at" | "updated_at" | "archived_at" | "deleted_at" | "erase_after" | "erased_at";

/** Version 1. Times are ISO 8601 in UTC. Without the URLs of images, which are secrets and expire. */
export interface Sidecar {
  version: 1;
  request: Omit<RequestRecord, RequestTimes | "webhook_url"> & {
    /** The origin alone, for people: the rest may be a secret, and a rebuilt catalog sends no webhooks. */
    webhook_url: string | null;
    created_at: string;
    updated_at: string;
    archived_at: string | null;
    deleted_at: string | null;
    erase_after: string | null;
    erased_at: string | null;
  };
  calls: (Omit<Call, "request_id" | "sent_at" | "ended_at" | "price"> & {
    price: Money | null;
    sent_at: string;
    ended_at: string | null;
  })[];
  generations: (Omit<Generation, "request_id" | "expires_at"> & { expires_at: string | null })[];
  /** `archived_at` is the image's; `stored_at` is when the bytes were first stored, perhaps for another request. */
  assets: (Omit<Asset, "archived_at"> & {
    index: number;
    call_number: number | null;
    archived_at: string;
    stored_at: string;
  })[];
  /** Only for a reproduction that was compared with its original, `request.reproduces`. */
  proof?: Omit<Proof, "request_id" | "original_id" | ProofTimes> & Record<ProofTimes, string>;
}

type ProofTimes = "compared_at" | "generated_at" | "original_generated_at";

/** Serializes a sidecar. */
export function sidecarBytes(sidecar: Sidecar): Buffer {
  return Buffer.from(`${JSON.stringify(sidecar, null, 2)}\n`);
}

/** The sidecar of a request; with `as`, of the request in the state it is about to enter. */
export function toSidecar(detail: RequestDetail, as?: { state: "archived"; archived_at: number }): Sidecar {
  const { request } = detail;
  const archived = as === undefined ? {} : { state: as.state, error: null };
  return {
    version: 1,
    request: {
      ...request,
      ...archived,
      webhook_url: redactUrl(request.webhook_url),
      created_at: iso(request.created_at),
      updated_at: iso(as?.archived_at ?? request.updated_at),
      archived_at: isoOrNull(as?.archived_at ?? request.archived_at),
      deleted_at: isoOrNull(request.deleted_at),
      erase_after: isoOrNull(request.erase_after),
      erased_at: isoOrNull(request.erased_at),
    },
    calls: detail.calls.map(({ request_id: _, ...call }) => ({
      ...call,
      price: call.price && toMoney(call.price),
      sent_at: iso(call.sent_at),
      ended_at: isoOrNull(call.ended_at),
    })),
    generations: detail.generations.map(({ request_id: _, ...one }) => ({
      ...one,
      expires_at: isoOrNull(one.expires_at),
    })),
    assets: toSidecarAssets(detail),
    ...(detail.proof !== null && { proof: toSidecarProof(detail.proof) }),
  };
}

function toSidecarProof({ outcome, images, ...proof }: Proof): NonNullable<Sidecar["proof"]> {
  return {
    outcome,
    compared_at: iso(proof.compared_at),
    generated_at: iso(proof.generated_at),
    original_generated_at: iso(proof.original_generated_at),
    images,
  };
}

function toSidecarAssets({ images, assets }: RequestDetail): Sidecar["assets"] {
  const byDigest = new Map(assets.map((asset) => [asset.digest, asset]));
  return images.flatMap(({ index, call_number, digest, archived_at }) => {
    const asset = byDigest.get(digest ?? "");
    return asset === undefined
      ? []
      : [
          {
            index,
            call_number,
            ...asset,
            archived_at: iso(archived_at ?? asset.archived_at),
            stored_at: iso(asset.archived_at),
          },
        ];
  });
}

function isoOrNull(ms: number | null): string | null {
  return ms === null ? null : iso(ms);
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}

/** The records of a sidecar. */
export interface SidecarRecords {
  request: RequestRecord;
  calls: Call[];
  generations: Generation[];
  images: Image[];
  assets: Asset[];
  proof: Proof | null;
}

const count = z.int().min(0);
const time = z.iso.datetime().transform((text) => Date.parse(text));
const timeOrNull = time.nullable();
const error = z.object({ code: z.string(), message: z.string() }).nullable();

const recipe = z.object({
  model: z.string(),
  prompt: z.string(),
  negative_prompt: z.string(),
  aspect_ratio: z.enum(ASPECT_RATIOS),
  n: z.int().min(1),
  seed: count,
  steps: count,
  guidance_scale: z.number(),
});

const request = z.object({
  request_id: z.string().regex(RECORDED_ID_PATTERN),
  state: z.enum(["queued", "generating", "copying", "archived", "failed", "parked", "cancelled"]),
  recipe_id: z.string().nullable(),
  recipe: recipe.nullable(),
  seed_given: z.boolean(),
  response_format: z.enum(["url", "b64_json"]),
  collection: z.string(),
  tags: z.array(z.string()),
  metadata: z.json(),
  reuse: z.boolean(),
  webhook_url: z.string().nullable(),
  content_hash: z.string(),
  batch_id: z.string().nullable(),
  batch_item: count.nullable().default(null),
  manifest_line: count.nullable().default(null),
  job_id: z.string(),
  attempt: count.default(0),
  error,
  reused_from: z.string().nullable(),
  reproduces: z.string().nullable().default(null),
  note: z.string().nullable().default(null),
  created_at: time,
  updated_at: time.optional(),
  archived_at: timeOrNull,
  deleted_at: timeOrNull.default(null),
  erase_after: timeOrNull.default(null),
  erased_at: timeOrNull.default(null),
});

/** Parses money in a sidecar as a price. */
export const moneyAsPrice = z
  .object({ amount: z.number().min(0), currency: z.string().regex(/^[A-Z]{3}$/) })
  .transform(fromMoney);

const call = z.object({
  number: z.int().min(1),
  state: z.enum(["sent", "answered", "refused", "unknown"]),
  n: count,
  seed: count,
  worker_id: z.string(),
  batch_id: z.string().nullable().default(null),
  price: moneyAsPrice.nullable().default(null),
  sent_at: time,
  ended_at: timeOrNull,
  http_status: z.int().nullable(),
  api_request_id: z.string().nullable(),
  error,
  answer_file: z.string().nullable().default(null),
});

const generation = z.object({
  call_number: z.int().min(1),
  api_created: z.int(),
  expires_at: timeOrNull,
  usage: z.json(),
});

const asset = z.object({
  index: count,
  call_number: z.int().nullable(),
  digest: z.string().regex(/^[0-9a-f]{64}$/),
  key: z.string(),
  bytes: z.int().min(1),
  content_type: z.enum(["image/png", "image/jpeg", "image/webp"]),
  width: z.int().min(1),
  height: z.int().min(1),
  archived_at: time,
  stored_at: time.optional(),
});

const digestOrNull = z
  .string()
  .regex(/^[0-9a-f]{64}$/)
  .nullable();
const likeness = z.enum(["identical_bytes", "identical_pixels", "near", "drifted", "incomparable"]);

const proof = z.object({
  outcome: likeness,
  compared_at: time,
  generated_at: time,
  original_generated_at: time,
  images: z.array(
    z.object({
      index: count,
      outcome: likeness,
      distance: z.int().min(0).max(64).nullable(),
      mean_error: z.number().min(0).max(255).nullable(),
      digest: digestOrNull,
      original_digest: digestOrNull,
      reason: z.string().nullable(),
    }),
  ),
});

const sidecar = z.object({
  version: z.literal(1),
  request,
  calls: z.array(call),
  generations: z.array(generation),
  assets: z.array(asset),
  proof: proof.optional(),
});

/** Parses a sidecar. Throws a RejectedError `sidecar_invalid` that lists what is wrong. */
export function parseSidecar(bytes: Buffer, key: string): SidecarRecords {
  const parsed = sidecar.safeParse(parseJson(bytes, key));
  if (!parsed.success) {
    const faults = parsed.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`);
    throw invalid(key, faults.slice(0, 5).join("; "));
  }
  const records = toRecords(parsed.data);
  const fault = findContradiction(records);
  if (fault !== undefined) throw invalid(key, fault);
  return records;
}

function parseJson(bytes: Buffer, key: string): unknown {
  try {
    return parseDocument(bytes);
  } catch (error) {
    throw invalid(key, toMessage(error));
  }
}

function toRecords(data: z.output<typeof sidecar>): SidecarRecords {
  const { request_id } = data.request;
  const updated_at = data.request.updated_at ?? data.request.archived_at ?? data.request.created_at;
  return {
    // a sidecar has only the origin of the URL, for people to read: not enough to send webhooks to
    request: { ...data.request, updated_at, webhook_url: null },
    calls: data.calls.map((one) => ({ ...one, request_id })),
    generations: data.generations.map((one) => ({ ...one, request_id })),
    images: data.assets.map(({ index, call_number, digest, archived_at }) => {
      return {
        request_id,
        index,
        call_number,
        url: null,
        spool_file: null,
        expires_at: null,
        digest,
        archived_at,
      };
    }),
    assets: data.assets.map(({ index: _, call_number: __, stored_at, archived_at, ...one }) => {
      return { ...one, archived_at: stored_at ?? archived_at };
    }),
    proof: toProof(data),
  };
}

function toProof({ request, proof: found }: z.output<typeof sidecar>): Proof | null {
  if (found === undefined || request.reproduces === null) return null;
  return { ...found, request_id: request.request_id, original_id: request.reproduces };
}

// what a schema cannot express: fields that contradict each other
function findContradiction({ request, assets }: SidecarRecords): string | undefined {
  if (request.recipe !== null && recipeId(request.recipe) !== request.recipe_id)
    return "request.recipe_id is not the digest of the recipe";
  const stray = assets.find(
    ({ digest, key }) => !["png", "jpg", "webp"].some((type) => imageKey(digest, type as "png") === key),
  );
  return stray === undefined ? undefined : `the asset ${stray.digest} has the key ${JSON.stringify(stray.key)}`;
}

function invalid(key: string, why: string): RejectedError {
  return new RejectedError(`Cannot read the sidecar "${key}": ${why}`, { code: "sidecar_invalid" });
}
