// The catalog's side of keeping what is archived: proofs, and the second copy.
import type { Asset } from "../../domain/records.ts";
import type { Json } from "../../domain/request/canonical-json.ts";
import * as thumbnails from "../assets/thumbnails.ts";
import type { CatalogContext } from "../context.ts";
import type { Write } from "../db/writer.ts";
import { isErased } from "../requests/edits.ts";
import * as mirror from "./mirror.ts";
import { type CatchUpOptions, queueAllMirrors } from "./mirror-catch-up.ts";
import * as proofs from "./proofs.ts";

/** What verifying and mirroring ask and write down. */
export interface IntegrityQueries {
  startRun(kind: string): Promise<proofs.IntegrityRun>;
  recordProgress(runId: string, progress: Json): Promise<void>;
  endRun(runId: string, result: Json): Promise<void>;
  listUnproven(which: { since: number; sample?: number | undefined }): number[];
  assetsByIds(places: readonly number[]): Asset[];
  recordProofs(found: Parameters<typeof proofs.recordProofs>[1]): Promise<void>;
  correctAsset(asset: Omit<Asset, "archived_at">): Promise<void>;
  findUnknownKeys(keys: readonly string[]): string[];
  listWithSidecar(beyond?: string): Generator<string[]>;
  requestsWithSidecar(digests: readonly string[]): string[];
  liveUrls(digest: string): string[];
  claimMirrorJobs(limit: number): Promise<mirror.MirrorJob[]>;
  endMirrorJob(job: mirror.MirrorJob, begunAt: number): Promise<void>;
  delayMirrorJob(job: mirror.MirrorJob, why: { delayMs: number; error: string }): Promise<void>;
  /** Asks for a copy of something that is neither an image nor a request's sidecar. */
  queueMirror(key: string): Promise<void>;
  /** Which of these assets the second store was given. */
  mirroredAmong(digests: readonly string[]): Set<string>;
  /** Whether the second store was given the sidecar of a request as it is now. */
  isSidecarMirrored(requestId: string): boolean;
  /** Second copies that are lost or spoilt: `catalog mirror` makes them again. */
  forgetMirrored(lost: { digests?: readonly string[]; requests?: readonly string[] }): Promise<void>;
  /** The second store has a copy, proven at `at`. */
  noteMirrored(copy: { digest: string | null; request_id: string | null; at: number }): Promise<void>;
  /** Asks for everything that has no copy, bit by bit; resolves to how many copies are asked for then. */
  queueAllMirrors(options?: CatchUpOptions): Promise<number>;
  countMirrorJobs(): number;
  /** Whether an asset's bytes were removed on purpose: it is to have no second copy either. */
  isErased(digest: string): boolean;
  countUnmirrored(): number;
  /** Assets that have no thumbnail yet; see thumbnails.ts. */
  listWithoutThumbnail(page: Parameters<typeof thumbnails.listWithoutThumbnail>[1]): thumbnails.WithoutThumbnail[];
  recordBackfillAttempts(looks: readonly thumbnails.BackfillAttempt[]): Promise<void>;
}

export function createIntegrityQueries(context: CatalogContext, write: Write): IntegrityQueries {
  return {
    startRun: (kind) => write(() => proofs.startRun(context, kind)),
    recordProgress: (runId, progress) => write(() => proofs.recordProgress(context, runId, progress)),
    endRun: (runId, result) => write(() => proofs.endRun(context, runId, result)),
    listUnproven: (which) => proofs.listUnproven(context, which),
    assetsByIds: (places) => proofs.assetsByIds(context, places),
    recordProofs: (found) => write(() => proofs.recordProofs(context, found)),
    correctAsset: (asset) => write(() => proofs.correctAsset(context, asset)),
    findUnknownKeys: (keys) => proofs.findUnknownKeys(context, keys),
    listWithSidecar: (beyond) => proofs.listWithSidecar(context, beyond),
    requestsWithSidecar: (digests) => proofs.requestsWithSidecar(context, digests),
    liveUrls: (digest) => proofs.liveUrls(context, digest),
    claimMirrorJobs: (limit) => write(() => mirror.claimMirrorJobs(context, limit)),
    endMirrorJob: (job, begunAt) => write(() => mirror.endMirrorJob(context, job, begunAt)),
    delayMirrorJob: (job, why) => write(() => mirror.delayMirrorJob(context, job, why)),
    queueMirror: (key) => write(() => mirror.queueMirror(context, { key, digest: null, request_id: null })),
    mirroredAmong: (digests) => mirror.mirroredAmong(context, digests),
    isSidecarMirrored: (requestId) => mirror.isSidecarMirrored(context, requestId),
    forgetMirrored: async (lost) => {
      if ([...(lost.digests ?? []), ...(lost.requests ?? [])].length > 0)
        await write(() => mirror.forgetMirrored(context, lost));
    },
    noteMirrored: (copy) => write(() => mirror.noteMirrored(context, copy)),
    queueAllMirrors: (options) => queueAllMirrors(context, write, options),
    countMirrorJobs: () => mirror.countMirrorJobs(context),
    isErased: (digest) => isErased(context, digest),
    countUnmirrored: () => mirror.countUnmirrored(context),
    listWithoutThumbnail: (page) => thumbnails.listWithoutThumbnail(context, page),
    recordBackfillAttempts: (looks) => write(() => thumbnails.recordBackfillAttempts(context, looks)),
  };
}
