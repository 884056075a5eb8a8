// The records of the pipeline and the catalog. Types only.
// Field names are the public ones (exports, sidecars, --json). Times: ms since 1970.
import type { Json } from "./request/canonical-json.ts";
import type { Recipe } from "./request/recipe.ts";
import type { Price } from "./units.ts";

/** The state of a request. The last four are final for the workers; an operator can retry `parked` and `failed`. */
export type RequestState = "queued" | "generating" | "copying" | "archived" | "failed" | "parked" | "cancelled";

/** A request as recorded. `recipe` is null only if the job data was invalid: such a request is recorded as `failed`. */
export interface RequestRecord {
  request_id: string;
  state: RequestState;
  recipe_id: string | null;
  recipe: Recipe | null;
  seed_given: boolean;
  response_format: "url" | "b64_json";
  collection: string;
  tags: string[];
  metadata: Json;
  reuse: boolean;
  webhook_url: string | null;
  /** SHA-256 of the content: distinguishes a repeat from another request with the same id. */
  content_hash: string;
  batch_id: string | null;
  /** Its position in the manifest of that batch, from 1; null if it is no longer in the manifest. */
  batch_item: number | null;
  /** The line of that manifest where the item begins, from 1. */
  manifest_line: number | null;
  /** Its BullMQ job in queue "generate". */
  job_id: string;
  /** Attempts spent in its current stage. */
  attempt: number;
  error: { code: string; message: string } | null;
  /** The request whose images were reused for this one. */
  reused_from: string | null;
  /** Set for a reproduction: the original request, with which the images are compared. */
  reproduces: string | null;
  /** A note by an operator. */
  note: string | null;
  created_at: number;
  updated_at: number;
  archived_at: number | null;
  /** When it was deleted, from when on its bytes may be erased, and when they were erased. */
  deleted_at: number | null;
  erase_after: number | null;
  erased_at: number | null;
}

/** One paid HTTP call. Recorded as `sent` before it is sent; `number` counts from 1 within its request. */
export interface Call {
  request_id: string;
  number: number;
  state: "sent" | "answered" | "refused" | "unknown";
  n: number;
  seed: number;
  worker_id: string;
  /** The batch it is charged to. */
  batch_id: string | null;
  /** Per image, when the call was reserved; null if no price was set. */
  price: Price | null;
  sent_at: number;
  ended_at: number | null;
  http_status: number | null;
  api_request_id: string | null;
  error: { code: string; message: string } | null;
  /** The file in its worker's spool with an answer that could not be parsed. */
  answer_file: string | null;
}

/** The answer of a call that succeeded. `api_created` is the API's own `created`, in seconds. */
export interface Generation {
  request_id: string;
  call_number: number;
  api_created: number;
  /** When its first URL expires; null if the API returned bytes only. */
  expires_at: number | null;
  usage: Json;
}

/** One image of a request: first a source to fetch it from, then (with `digest`) an asset. `index` counts from 0. */
export interface Image {
  request_id: string;
  index: number;
  /** The call that made it; null if it was reused. */
  call_number: number | null;
  /** Signed, so a secret: never shown. */
  url: string | null;
  spool_file: string | null;
  expires_at: number | null;
  digest: string | null;
  archived_at: number | null;
}

/** One archived image: bytes in the store under its digest. Several requests may share it. */
export interface Asset {
  digest: string;
  key: string;
  bytes: number;
  content_type: ImageType;
  width: number;
  height: number;
  archived_at: number;
}

/** An archived image of a request, in answers and in what an archive job returns; `index` counts from 0. */
export interface ArchivedAsset extends Omit<Asset, "archived_at"> {
  index: number;
}

/** An asset to record, with its perceptual hash (16 hex digits), which sidecars omit. */
export type NewAsset = Asset & { phash: string };

/** The store's metadata of an object. */
export interface ObjectFacts {
  bytes: number;
  contentType: string | undefined;
  /**
   * SHA-256, lower-case hex, if the store keeps one: S3 with checksums. Not proven: some stores copy it from the uploader
   * without a check. Many stores have no checksums, and a multipart upload has none of the whole object.
   */
  digest?: string | undefined;
}

/** One archived image of one request, with the recipe that made it. */
export interface ArchivedImage {
  request: RequestRecord;
  index: number;
  asset: Asset;
  api_created: number | null;
  archived_at: number;
  calls: number;
  /** The known fault of its bytes; null or absent: no known fault. */
  fault?: AssetFault | null;
}

/** The image types that can become assets. */
export type ImageType = "image/png" | "image/jpeg" | "image/webp";

/** The facts of an image, from its content alone. */
export interface ImageFacts {
  content_type: ImageType;
  extension: "png" | "jpg" | "webp";
  /** As stored: viewers may rotate the image by its EXIF orientation. */
  width: number;
  height: number;
}

/**
 * The faults that reading an asset back can find: no bytes, other bytes, the right bytes that do not decode, or an image
 * that does not match its row.
 */
export type AssetFault = "missing" | "corrupt" | "undecodable" | "misrecorded";

/** The states that a request's webhook reports. */
export type WebhookEvent = "archived" | "failed" | "parked" | "cancelled";

/** One event for a request's `webhook_url`, and the state of its delivery. A retried request has several. */
export interface Webhook {
  event_id: string;
  request_id: string;
  /** Counts the events of the request, from 1. */
  number: number;
  event: WebhookEvent;
  state: "pending" | "delivered" | "failed";
  attempts: number;
  last_error: string | null;
  created_at: number;
  delivered_at: number | null;
}

/**
 * The state of a batch. `enqueuing`: its manifest is still being read. `finished`: every item is finished. Whether a running
 * batch is held (by its window, its budget or an operator) follows from its limits and the time, and is never stored.
 */
export type BatchState = "enqueuing" | "running" | "finished" | "cancelled";

/** Why a batch is held. Only "window" ends by itself. */
export type HoldReason = "window" | "budget" | "paused" | "cancelled";

/** Everything the catalog knows about one request. */
export interface RequestDetail {
  request: RequestRecord;
  calls: Call[];
  generations: Generation[];
  images: Image[];
  assets: Asset[];
  /** In the order of the events. */
  webhooks: Webhook[];
  /** The comparison of a reproduction with its original; null until it is compared, and for any other request. */
  proof: Proof | null;
}

/**
 * How similar an image is to its reproduction, from best to worst. `incomparable`: one of the two does not exist, or was not
 * made from the recipe alone.
 */
export type Likeness = "identical_bytes" | "identical_pixels" | "near" | "drifted" | "incomparable";

/** One image of a reproduction compared with the original's image of the same index. */
export interface ImageProof {
  index: number;
  outcome: Likeness;
  /** Bits in which their perceptual hashes differ, 0 to 64; null if the pixels were not compared. */
  distance: number | null;
  /** Mean absolute difference of all channels, 0 to 255; null if the sizes differ or the pixels were not compared. */
  mean_error: number | null;
  digest: string | null;
  original_digest: string | null;
  /** Why they cannot be compared. */
  reason: string | null;
}

/** The result of a reproduction. `outcome` is the worst of its comparable images. */
export interface Proof {
  /** The reproduction. */
  request_id: string;
  original_id: string;
  outcome: Likeness;
  compared_at: number;
  /** When the API made each, by its own clock if known. */
  generated_at: number;
  original_generated_at: number;
  images: ImageProof[];
}
