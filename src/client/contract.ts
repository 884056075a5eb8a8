// What a client promises, in types only. Two ways lead to the same contract: directly to Redis, or by HTTP.

import type { ArchivedAsset, RequestState } from "../domain/records.ts";
import type { SubmissionInput } from "../domain/request/submission-input.ts";
import type { AssetView } from "../output/report/asset-links.ts";
import type { RequestView } from "../output/report/request-view.ts";
import type { StatusView, WaitReason } from "../output/report/status-view.ts";

/** Straight into the queue: no server and no database is needed, and less is known. */
export interface RedisClientOptions {
  /** `redis://` or `rediss://`, with user and password where there are any. */
  redisUrl: string;
  /** BullMQ's prefix, the workers' QUEUE_PREFIX. Default `{asset-archiver}`. */
  queuePrefix?: string;
}

/** To an `asset-archiver serve`. */
export interface HttpClientOptions {
  /** Such as `http://127.0.0.1:8080`. */
  url: string;
  /** One of the server's API_TOKENS. */
  token?: string;
  /** How long one exchange may take, in ms, waiting for an end not included. Default 15 s. */
  timeoutMs?: number;
  /** Stands in for the global `fetch`: one that goes through a proxy, for example. */
  fetch?: typeof globalThis.fetch;
}

/** What is always known of a request. By HTTP it is the whole RequestView. */
export interface KnownRequest {
  request_id: string;
  state: RequestState;
  /** Why it failed or is parked; by HTTP also why it waits. */
  error: { code: string; message: string } | null;
  /** null until it is known. */
  recipe_id: string | null;
  /** The explicit seed; missing until it is known. */
  seed?: number;
  /** The archived images, in order; null where Redis does not know (any more). */
  assets: ArchivedAsset[] | null;
}

export interface CallOptions {
  /** Aborting it rejects with the signal's reason. What was sent by then may have been accepted. */
  signal?: AbortSignal;
}

export interface WaitOptions extends CallOptions {
  /** Rejects with a TransientError `wait_timeout` after so many ms. Default: waits for ever. */
  timeoutMs?: number;
}

export interface BulkOptions extends CallOptions {
  /** So many requests go out together, 1 to 1000. Default 500. */
  chunkSize?: number;
}

/** An asset by its digest, or anything that holds one, such as an entry of `assets`. */
export type AssetReference = string | { readonly digest: string };

export interface FetchOptions extends CallOptions {
  /** The small WebP picture instead of the bytes as they came. Default false. */
  thumbnail?: boolean;
  /** More bytes than this end it with a RejectedError `asset_too_large`. Default 64 MiB. */
  maxBytes?: number;
}

/** The bytes of an asset on their way. Read `body` to its end, or cancel it. */
export interface AssetStream {
  digest: string;
  content_type: string;
  /** How many bytes come; null where the server does not say. */
  bytes: number | null;
  /** Errors as the methods of the client reject. */
  body: ReadableStream<Uint8Array>;
}

/** What became of one request of a bulk; `index` counts from 0 in the order given. */
export type BulkResult =
  | {
      index: number;
      ok: true;
      request_id: string;
      /** One that was accepted before may have ended; null over Redis, which does not say. */
      state: RequestState | null;
      /** The archived images; null over Redis. */
      assets: AssetView[] | null;
    }
  | { index: number; ok: false; request_id: string | null; error: BulkError };

export interface BulkError {
  code: string;
  message: string;
  /** Every field that did not fit. */
  faults: { field: string; message: string }[];
}

/** What became of a wish to cancel. One whose call is out is paid: it is finished and archived. */
export interface CancelResult {
  request_id: string;
  cancelled: boolean;
  /** True where it was too late because money is spent. */
  paid: boolean;
  state: RequestState;
}

/** What became of a wish to retry. */
export interface RetryResult {
  request_id: string;
  retried: boolean;
  /** Whether the API is called for it: false where its images can still be fetched. */
  pays: boolean;
  /** Whether it was, or may have been, paid before. */
  again: boolean;
  state: RequestState;
}

/** Which requests to find; what is left out matters not. */
export interface FindFilter {
  /** Words of the prompts, as `catalog search` takes them. */
  text?: string;
  state?: RequestState;
  collection?: string;
  batch?: string;
  /** All of them. */
  tag?: readonly string[];
  /** Accepted then or later, and before: days or times in ISO 8601. */
  from?: string;
  to?: string;
  model?: string;
  prompt?: string;
  negative_prompt?: string;
  aspect_ratio?: string;
  n?: number;
  seed?: number;
  steps?: number;
  guidance_scale?: number;
  /** The recipe id, or the digest of an image; a beginning is enough. */
  recipe?: string;
  digest?: string;
  type?: "png" | "jpeg" | "webp";
  /** In bytes, or such as "500KB". */
  min_bytes?: number | string;
  max_bytes?: number | string;
  /** In pixels. */
  min_width?: number;
  max_width?: number;
  min_height?: number;
  max_height?: number;
  /** Only those whose deletion was asked for; by default all others. */
  deleted?: boolean;
  /** Default: by relevance where there is text, in the order of the manifest where there is a batch, else the newest first. */
  sort?: "relevance" | "newest" | "oldest" | "manifest";
}

/**
 * Hands over requests and follows them. Every method rejects within seconds when the other side is away: TransientError
 * (try again later), ConfigError (a password, a token), RejectedError (never as it is), each with a stable `code`.
 */
export interface Client<Found extends KnownRequest = KnownRequest> {
  /**
   * Hands over one request. Where no `request_id` is given one is made, so that repeats behind the scenes are harmless.
   * The same id with the same content is a no-op; with other content a RejectedError `request_id_conflict` (in Redis: as
   * long as the other job is there). What does not fit is a RejectedError `invalid_request` with every fault, unsent.
   */
  enqueue(request: SubmissionInput, options?: CallOptions): Promise<Found>;
  /**
   * Hands over any number, chunk by chunk, while the results are read: who stops reading stops the reading of `requests`.
   * One that is refused is a result with `ok: false`; when the other side is away the iteration rejects, and everything
   * after the last result may be handed over again.
   */
  enqueueBulk(
    requests: Iterable<SubmissionInput> | AsyncIterable<SubmissionInput>,
    options?: BulkOptions,
  ): AsyncGenerator<BulkResult, void, void>;
  /** Undefined where there is no such request (in Redis: or no job of it any more). */
  get(requestId: string, options?: CallOptions): Promise<Found | undefined>;
  /**
   * Resolves when the request is archived, failed, cancelled or parked, also when that was long ago. Rejects with a
   * RejectedError `request_not_found` where there is none, or where Redis has forgotten how it ended.
   */
  wait(requestId: string, options?: WaitOptions): Promise<Found>;
  /** By HTTP only: what is paid is known to the catalog alone. */
  cancel(requestId: string, options?: CallOptions): Promise<CancelResult>;
  /** By HTTP only. Retries a failed or parked request. */
  retry(requestId: string, options?: CallOptions): Promise<RetryResult>;
  /** By HTTP only. All that fit, page by page. */
  find(filter?: FindFilter, options?: CallOptions): AsyncGenerator<RequestView, void, void>;
  /**
   * By HTTP only. The bytes of an archived image, by its digest or an entry of `assets`, compared with the digest. Rejects
   * with the server's code (`asset_not_found`, `asset_erased`), `asset_too_large`, or when nothing comes for `timeoutMs`.
   */
  fetchAsset(asset: AssetReference, options?: FetchOptions): Promise<Uint8Array>;
  /** By HTTP only. The same as a stream, for what should not be held in memory; not compared with the digest. */
  streamAsset(asset: AssetReference, options?: FetchOptions): Promise<AssetStream>;
  /** Lets go of all connections. May be called twice. */
  close(): Promise<void>;
}

/** A client that speaks HTTP knows everything. */
export interface HttpClient extends Client<RequestView> {
  /** What is going on: counts, queues, workers, and why calls are held. */
  status(options?: CallOptions): Promise<StatusView>;
  /** Why a request has not ended yet: no worker, calls that are held, the next try. Empty where it has. */
  explainWait(requestId: string, options?: CallOptions): Promise<WaitReason[]>;
}
