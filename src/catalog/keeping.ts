// The catalog's side of keeping what is archived: proofs, and the second copy.
import type { Asset } from "../pipeline/records.ts";
import type { Json } from "../request/canonical-json.ts";
import * as mirror from "./mirror.ts";
import { type CatchUpOptions, queueAllMirrors } from "./mirror-catch-up.ts";
import type { Parts } from "./parts.ts";
import * as proofs from "./proofs.ts";
import * as thumbnails from "./thumbnails.ts";
import { isErased } from "./tidy.ts";
import type { Write } from "./writer.ts";

/** What verifying and mirroring ask and write down. */
export interface Keeping {
  beginRun(kind: string): Promise<proofs.KeepingRun>;
  noteProgress(runId: string, progress: Json): Promise<void>;
  endRun(runId: string, result: Json): Promise<void>;
  listUnproven(which: { since: number; sample?: number | undefined }): number[];
  assetsAt(places: readonly number[]): Asset[];
  noteProofs(found: Parameters<typeof proofs.noteProofs>[1]): Promise<void>;
  correctAsset(asset: Omit<Asset, "archived_at">): Promise<void>;
  findUnknownKeys(keys: readonly string[]): string[];
  listSealed(beyond?: string): Generator<string[]>;
  sealedRequestsOf(digests: readonly string[]): string[];
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
  listUnpictured(page: Parameters<typeof thumbnails.listUnpictured>[1]): thumbnails.Unpictured[];
  noteLateLooks(looks: readonly thumbnails.LateLook[]): Promise<void>;
}

export function createKeeping(parts: Parts, write: Write): Keeping {
  return {
    beginRun: (kind) => write(() => proofs.beginRun(parts, kind)),
    noteProgress: (runId, progress) => write(() => proofs.noteProgress(parts, runId, progress)),
    endRun: (runId, result) => write(() => proofs.endRun(parts, runId, result)),
    listUnproven: (which) => proofs.listUnproven(parts, which),
    assetsAt: (places) => proofs.assetsAt(parts, places),
    noteProofs: (found) => write(() => proofs.noteProofs(parts, found)),
    correctAsset: (asset) => write(() => proofs.correctAsset(parts, asset)),
    findUnknownKeys: (keys) => proofs.findUnknownKeys(parts, keys),
    listSealed: (beyond) => proofs.listSealed(parts, beyond),
    sealedRequestsOf: (digests) => proofs.sealedRequestsOf(parts, digests),
    liveUrls: (digest) => proofs.liveUrls(parts, digest),
    claimMirrorJobs: (limit) => write(() => mirror.claimMirrorJobs(parts, limit)),
    endMirrorJob: (job, begunAt) => write(() => mirror.endMirrorJob(parts, job, begunAt)),
    delayMirrorJob: (job, why) => write(() => mirror.delayMirrorJob(parts, job, why)),
    queueMirror: (key) => write(() => mirror.queueMirror(parts, { key, digest: null, request_id: null })),
    mirroredAmong: (digests) => mirror.mirroredAmong(parts, digests),
    isSidecarMirrored: (requestId) => mirror.isSidecarMirrored(parts, requestId),
    forgetMirrored: async (lost) => {
      if ([...(lost.digests ?? []), ...(lost.requests ?? [])].length > 0)
        await write(() => mirror.forgetMirrored(parts, lost));
    },
    noteMirrored: (copy) => write(() => mirror.noteMirrored(parts, copy)),
    queueAllMirrors: (options) => queueAllMirrors(parts, write, options),
    countMirrorJobs: () => mirror.countMirrorJobs(parts),
    isErased: (digest) => isErased(parts, digest),
    countUnmirrored: () => mirror.countUnmirrored(parts),
    listUnpictured: (page) => thumbnails.listUnpictured(parts, page),
    noteLateLooks: (looks) => write(() => thumbnails.noteLateLooks(parts, looks)),
  };
}
