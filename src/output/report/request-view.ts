// How a request looks to whoever asks: the same form in `status --json`, over HTTP and in the client. Pure.

import type { Call, RequestDetail, RequestRecord, RequestState, Webhook, WebhookEvent } from "../../domain/records.ts";
import type { Json } from "../../domain/request/canonical-json.ts";
import { redactUrl } from "../../domain/request/http-url.ts";
import type { Recipe } from "../../domain/request/recipe.ts";
import { type Money, toMoney } from "../../domain/units.ts";
import { toArchivedAssets } from "../../pipeline/archive.ts";
import { type AssetView, type LinkAsset, withoutLinks } from "./asset-links.ts";

/** One call as shown. Times are ISO 8601. */
export type CallView = Omit<Call, "request_id" | "worker_id" | "batch_id" | "price" | "sent_at" | "ended_at"> & {
  /** Of an image, when the call was made; null where none was set. */
  price: Money | null;
  sent_at: string;
  ended_at: string | null;
};

/** A request with its recipe, calls and assets. The fields of the recipe are missing where the data never fitted. */
export interface RequestView extends Partial<Recipe> {
  request_id: string;
  state: RequestState;
  recipe_id: string | null;
  collection: string;
  batch: string | null;
  tags: string[];
  metadata: Json;
  reused_from: string | null;
  /** The request that it asks for again, to compare what comes. */
  reproduces: string | null;
  /** What somebody wrote about it afterwards. */
  note: string | null;
  /** Why it failed, is parked, or waits. */
  error: { code: string; message: string } | null;
  created_at: string;
  updated_at: string;
  archived_at: string | null;
  /** When its deletion was asked for, and when its bytes went. */
  deleted_at: string | null;
  erased_at: string | null;
  calls: CallView[];
  assets: AssetView[];
  /** The events told to `webhook_url`, in order; null where there is none to tell. */
  webhook: WebhookView | null;
}

/** The origin of the address, whose path and query may be a secret, and how far each event came. Times are ISO 8601. */
export interface WebhookView {
  url: string;
  events: {
    event_id: string;
    event: WebhookEvent;
    state: Webhook["state"];
    attempts: number;
    last_error: string | null;
    delivered_at: string | null;
  }[];
}

/** A request in a list: without calls, assets and webhook. */
export type RequestSummary = Omit<RequestView, "calls" | "assets" | "webhook">;

/** The view of a request. `link` gives the addresses of its images. */
export function toRequestView(detail: RequestDetail, link: LinkAsset = withoutLinks): RequestView {
  const calls = detail.calls.map(
    ({ request_id: _id, worker_id: _worker, batch_id: _batch, price, sent_at, ended_at, ...call }) => {
      return { ...call, price: price && toMoney(price), sent_at: iso(sent_at), ended_at: isoOrNull(ended_at) };
    },
  );
  return {
    ...toRequestSummary(detail.request),
    calls,
    assets: toAssetViews(detail, link),
    webhook: toWebhookView(detail),
  };
}

/** Its archived images, in order. Where their bytes were removed on request there is no address. */
export function toAssetViews(detail: RequestDetail, link: LinkAsset): AssetView[] {
  const linkKept = detail.request.erased_at === null ? link : withoutLinks;
  return toArchivedAssets(detail).map((asset) => ({ ...asset, ...linkKept(asset.digest) }));
}

function toWebhookView({ request, webhooks }: RequestDetail): WebhookView | null {
  if (request.webhook_url === null) return null;
  const events = webhooks.map(({ event_id, event, state, attempts, last_error, delivered_at }) => {
    return { event_id, event, state, attempts, last_error, delivered_at: isoOrNull(delivered_at) };
  });
  return { url: redactUrl(request.webhook_url) ?? "", events };
}

/** The same without calls and assets, as in listings. */
export function toRequestSummary(request: RequestRecord): RequestSummary {
  return {
    request_id: request.request_id,
    state: request.state,
    recipe_id: request.recipe_id,
    ...request.recipe,
    collection: request.collection,
    batch: request.batch_id,
    tags: request.tags,
    metadata: request.metadata,
    reused_from: request.reused_from,
    reproduces: request.reproduces,
    note: request.note,
    error: request.error,
    created_at: iso(request.created_at),
    updated_at: iso(request.updated_at),
    archived_at: isoOrNull(request.archived_at),
    deleted_at: isoOrNull(request.deleted_at),
    erased_at: isoOrNull(request.erased_at),
  };
}

function isoOrNull(ms: number | null): string | null {
  return ms === null ? null : iso(ms);
}

// a new request's times are all the same, and those of all that were recorded with it
let last = { ms: 0, text: new Date(0).toISOString() };

function iso(ms: number): string {
  if (ms !== last.ms) last = { ms, text: new Date(ms).toISOString() };
  return last.text;
}
