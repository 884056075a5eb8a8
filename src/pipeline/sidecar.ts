// The sidecar: everything about a request in one JSON file beside its images, sufficient to rebuild the catalog.
import { createHash } from "node:crypto";
import { sidecarKey } from "../domain/keys.ts";
import type { Asset, Call, Generation, Proof, RequestDetail, RequestRecord } from "../domain/records.ts";
import { redactUrl } from "../domain/request/http-url.ts";
import { type Money, toMoney } from "../domain/units.ts";
import type { Store } from "./ports.ts";

type RequestTimes = "created_at" | "updated_at" | "archived_at" | "deleted_at" | "erase_after" | "erased_at";

/** Version 1. Times are ISO 8601 in UTC; URLs of images are left out, since they are secrets and die. */
export interface Sidecar {
  version: 1;
  request: Omit<RequestRecord, RequestTimes | "webhook_url"> & {
    /** The origin alone, to be read by people: the rest may be a secret, and a rebuilt catalog notifies nobody. */
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
  /** `archived_at` is the image's; `stored_at` says since when the bytes are in the store, perhaps for another request. */
  assets: (Omit<Asset, "archived_at"> & {
    index: number;
    call_number: number | null;
    archived_at: string;
    stored_at: string;
  })[];
  /** Of a reproduction that has been compared with its original, `request.reproduces`. */
  proof?: Omit<Proof, "request_id" | "original_id" | ProofTimes> & Record<ProofTimes, string>;
}

type ProofTimes = "compared_at" | "generated_at" | "original_generated_at";

interface SidecarRun {
  store: Store;
  detail: RequestDetail;
  delivery: { signal: AbortSignal };
}

/** Writes the sidecar. `as` is the state that the request is about to enter, and when. */
export async function putSidecar(run: SidecarRun, as?: { state: "archived"; archived_at: number }): Promise<void> {
  const bytes = sidecarBytes(toSidecar(run.detail, as));
  const digest = createHash("sha256").update(bytes).digest("hex");
  const { signal } = run.delivery;
  await run.store.put(sidecarKey(run.detail.request), bytes, { contentType: "application/json", digest, signal });
}

/** A sidecar as it stands in the store. */
export function sidecarBytes(sidecar: Sidecar): Buffer {
  return Buffer.from(`${JSON.stringify(sidecar, null, 2)}\n`);
}

/** The sidecar of a request, as it is or as it is about to be. */
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
