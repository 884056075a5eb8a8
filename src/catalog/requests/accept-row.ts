// A request that is new: as it crosses to where writes are committed, for which a list of plain values costs far less than
// nested records, and the record of it.
import type { RequestDetail } from "../../domain/records.ts";
import type { Request } from "../../domain/request/submission.ts";
import { type StoredOrigin, type StoredRequest, toStoredRequest } from "./insert.ts";

/** Where a request came from. */
export interface Origin {
  jobId: string;
  batchId?: string;
  reproduces?: string;
}

/** A request that is new, as the insert binds it. */
export type AcceptRow = readonly [request: StoredRequest, origin: StoredOrigin];

/** What is written of a request, but for the time at which it is. */
export function toAcceptRow(request: Request, { jobId, batchId, reproduces }: Origin): AcceptRow {
  return [toStoredRequest(request), [batchId ?? null, null, null, reproduces ?? null, jobId]];
}

/** The record of a request that was written just now. */
export function toFreshDetail(request: Request, { jobId, batchId, reproduces }: Origin, now: number): RequestDetail {
  return {
    request: {
      request_id: request.request_id,
      state: "queued",
      recipe_id: request.recipe_id,
      recipe: request.recipe,
      seed_given: request.seed_given,
      response_format: request.response_format,
      collection: request.collection,
      tags: request.tags,
      metadata: request.metadata,
      reuse: request.reuse,
      webhook_url: request.webhook_url,
      content_hash: request.content_hash,
      batch_id: batchId ?? null,
      batch_item: null,
      manifest_line: null,
      job_id: jobId,
      attempt: 0,
      error: null,
      reused_from: null,
      reproduces: reproduces ?? null,
      note: null,
      created_at: now,
      updated_at: now,
      archived_at: null,
      deleted_at: null,
      erase_after: null,
      erased_at: null,
    },
    calls: [],
    generations: [],
    images: [],
    assets: [],
    webhooks: [],
    proof: null,
  };
}
