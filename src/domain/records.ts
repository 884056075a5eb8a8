// The records that flow through the pipeline and stand in the catalog. Types only.
// Field names are the published ones (exports, sidecars, --json), so that one word serves everywhere. Times: ms since 1970.
import type { Json } from "./request/canonical-json.ts";
import type { Recipe } from "./request/recipe.ts";
import type { Price } from "./units.ts";

/** Where a request is. The last four are ends; `parked` and `failed` can be retried by a person. */
export type RequestState = "queued" | "generating" | "copying" | "archived" | "failed" | "parked" | "cancelled";

/** A request as recorded. `recipe` is null only where the data never fitted: such a request is `failed` from birth. */
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
  /** SHA-256 of what was asked for: tells a repeat from another request under the same id. */
  content_hash: string;
  batch_id: string | null;
  /** Its place in the manifest of that batch, from 1; null where the manifest no longer has it. */
  batch_item: number | null;
  /** The line of that manifest on which the item begins, from 1. */
  manifest_line: number | null;
  /** The BullMQ job that carries it through queue "generate". */
  job_id: string;
  /** Attempts spent so far, in the stage it is in. */
  attempt: number;
  error: { code: string; message: string } | null;
  /** The request whose images answered this one. */
  reused_from: string | null;
  /** The request whose recipe this one asks for again, to compare what comes. Such a request is a reproduction. */
  reproduces: string | null;
  /** What somebody wrote about it afterwards. */
  note: string | null;
  created_at: number;
  updated_at: number;
  archived_at: number | null;
  /** When its deletion was asked for, from when on its bytes may go, and when they went. */
  deleted_at: number | null;
  erase_after: number | null;
  erased_at: number | null;
}

/** One paid HTTP call. Written as `sent` before it goes out; `number` counts from 1 inside its request. */
export interface Call {
  request_id: string;
  number: number;
  state: "sent" | "answered" | "refused" | "unknown";
  n: number;
  seed: number;
  worker_id: string;
  /** The batch that it is charged to. */
  batch_id: string | null;
  /** Of an image, when the call was reserved; null where none was set. */
  price: Price | null;
  sent_at: number;
  ended_at: number | null;
  http_status: number | null;
  api_request_id: string | null;
  error: { code: string; message: string } | null;
  /** The file in its worker's spool that holds an answer which could not be read. */
  answer_file: string | null;
}

/** The answer of a call that succeeded. `api_created` is the API's own `created`, in seconds. */
export interface Generation {
  request_id: string;
  call_number: number;
  api_created: number;
  /** When its URLs die; null when the API gave bytes only. */
  expires_at: number | null;
  usage: Json;
}

/** One image of a request: first a place to fetch it from, then (with `digest`) an asset. `index` counts from 0. */
export interface Image {
  request_id: string;
  index: number;
  /** The call that made it; null when it was reused. */
  call_number: number | null;
  /** Signed: never shown to anybody. */
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

/** An asset as it is recorded, with its perceptual hash (16 hex digits), which the store's sidecars leave out. */
export type NewAsset = Asset & { phash: string };

/** What a store says of an object. */
export interface ObjectFacts {
  bytes: number;
  contentType: string | undefined;
  /**
   * SHA-256, lower-case hex, where the store keeps one: S3 with checksums. It is the store's word; some take it from whoever
   * wrote the object, unproven. Many stores have none, and an object that was put in parts has none of its whole.
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
  /** What is known to be wrong with its bytes; null or left out: nothing. */
  fault?: AssetFault | null;
}

/** The image types that can become assets. */
export type ImageType = "image/png" | "image/jpeg" | "image/webp";

/** What an image turned out to be, by its content alone. */
export interface ImageFacts {
  content_type: ImageType;
  extension: "png" | "jpg" | "webp";
  /** Of the rows as they are stored: EXIF may make viewers turn them. */
  width: number;
  height: number;
}

/**
 * What reading an asset back can find wrong: no bytes, other bytes, bytes that are right and show no image, or an image
 * that is not what its row says.
 */
export type AssetFault = "missing" | "corrupt" | "undecodable" | "misrecorded";

/** The states that are told to a request's `webhook_url` when it comes to them. */
export type WebhookEvent = "archived" | "failed" | "parked" | "cancelled";

/** One event for a request's `webhook_url`, and how far its delivery is. A request that was retried has several. */
export interface Webhook {
  event_id: string;
  request_id: string;
  /** Counts the ends of the request from 1. */
  number: number;
  event: WebhookEvent;
  state: "pending" | "delivered" | "failed";
  attempts: number;
  last_error: string | null;
  created_at: number;
  delivered_at: number | null;
}

/**
 * Where a batch is. `enqueuing`: its manifest is still being read. `finished`: every item has ended. Whether a running one
 * is held (by its window, its budget or a person) follows from its limits and the time, and is never stored.
 */
export type BatchState = "enqueuing" | "running" | "finished" | "cancelled";

/** Why nothing new of a batch is started now. Only "window" ends by itself. */
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
  /** What comparing a reproduction with its original showed; null until it is compared, and for any other request. */
  proof: Proof | null;
}

/**
 * How like an image is to the one that was re-made of its recipe, from best to worst; `incomparable` says nothing about
 * either: one of the two is not there, or was not made of the recipe alone.
 */
export type Likeness = "identical_bytes" | "identical_pixels" | "near" | "drifted" | "incomparable";

/** One image of a reproduction beside the original's image of the same index. */
export interface ImageProof {
  index: number;
  outcome: Likeness;
  /** Bits in which their perceptual hashes differ, 0 to 64; null where the pixels were not looked at. */
  distance: number | null;
  /** Mean absolute difference of all channels, 0 to 255; null where the sizes differ or the pixels were not looked at. */
  mean_error: number | null;
  digest: string | null;
  original_digest: string | null;
  /** Why they cannot be compared. */
  reason: string | null;
}

/** What re-making a request's recipe showed. `outcome` is the worst of its images that could be compared. */
export interface Proof {
  /** The reproduction. */
  request_id: string;
  original_id: string;
  outcome: Likeness;
  compared_at: number;
  /** When the API made either, by its own clock where it told. */
  generated_at: number;
  original_generated_at: number;
  images: ImageProof[];
}
