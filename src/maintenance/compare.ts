// Compares what reproductions brought with their originals and writes the proofs down. A worker's care does it within
// seconds; a command that waits does it at once. Nothing in the store is changed but the reproduction's own sidecar.
import { createHash } from "node:crypto";
import type { OpenCatalog } from "../catalog/catalog.ts";
import { isImageVerdict, levelOf, toMessage } from "../domain/errors.ts";
import { generatedAt, incomparableReason, worstOf } from "../domain/proof.ts";
import type { ImageProof, Proof, RequestDetail } from "../domain/records.ts";
import { compareImages } from "../image/compare.ts";
import type { Clock, Log, Store } from "../pipeline/ports.ts";
import { rewriteSidecar } from "./retention.ts";

export interface CompareDeps {
  catalog: OpenCatalog;
  store: Store;
  clock: Pick<Clock, "now">;
  log: Log;
  signal: AbortSignal;
}

/** Compares every archived reproduction that has no proof yet; resolves to how many got one. */
export async function compareDue(parts: CompareDeps): Promise<number> {
  let compared = 0;
  for (const id of parts.catalog.reproductions.listDue()) {
    if (parts.signal.aborted) break;
    try {
      if ((await compareReproduction(parts, id)) !== null) compared += 1;
    } catch (error) {
      // the store is away: the next round finds it here again
      parts.log[levelOf(error)]({ request_id: id, error: toMessage(error) }, "a reproduction will be compared later");
    }
  }
  return compared;
}

/** The proof of one reproduction, made now where there is none; null for a request that is none, or has not come so far. */
export async function compareReproduction(parts: CompareDeps, requestId: string): Promise<Proof | null> {
  const { catalog, log } = parts;
  const made = await catalog.find(requestId);
  const original_id = made?.request.reproduces;
  if (made === undefined || original_id === null || original_id === undefined) return null;
  if (made.proof !== null || made.request.state !== "archived") return made.proof;
  const proof = await compare(parts, { made, original_id });
  if (await catalog.reproductions.record(proof)) {
    const { outcome } = proof;
    log.info({ request_id: requestId, original_id, outcome }, "compared with its original");
    // the care of workers does it again where this fails
    await rewriteSidecar(parts, requestId).catch((error) =>
      log[levelOf(error)]({ request_id: requestId, error: toMessage(error) }, "its sidecar will be written later"),
    );
  }
  return (await catalog.find(requestId))?.proof ?? proof;
}

async function compare(
  parts: CompareDeps,
  { made, original_id }: { made: RequestDetail; original_id: string },
): Promise<Proof> {
  const original = await parts.catalog.find(original_id);
  const maker = original && (await makerOf(parts.catalog, original));
  const sides = { made, original, maker };
  const images: ImageProof[] = [];
  for (let index = 0; index < (made.request.recipe?.n ?? 0); index++) images.push(await compareAt(parts, sides, index));
  return {
    request_id: made.request.request_id,
    original_id,
    outcome: worstOf(images.map((image) => image.outcome)),
    compared_at: parts.clock.now(),
    generated_at: generatedAt(made),
    original_generated_at: generatedAt(maker ?? made),
    images,
  };
}

/** The request whose calls made the images: one that was answered by another made none. */
async function makerOf(catalog: OpenCatalog, detail: RequestDetail): Promise<RequestDetail> {
  let maker = detail;
  for (let hops = 0; maker.request.reused_from !== null && hops < MOST_HOPS; hops++) {
    const source = await catalog.find(maker.request.reused_from);
    if (source === undefined) break;
    maker = source;
  }
  return maker;
}

// what answers others was answered itself at most a few times over; a ring there cannot be
const MOST_HOPS = 100;

interface Sides {
  made: RequestDetail;
  original: RequestDetail | undefined;
  maker: RequestDetail | undefined;
}

async function compareAt(parts: CompareDeps, { made, original, maker }: Sides, index: number): Promise<ImageProof> {
  const [digest, original_digest] = [digestAt(made, index), original === undefined ? null : digestAt(original, index)];
  const known = { index, digest, original_digest };
  const incomparable = (reason: string): ImageProof => {
    return { ...known, outcome: "incomparable", distance: null, mean_error: null, reason };
  };
  if (original === undefined) return incomparable("the catalog does not know the original");
  const stranger = (maker && incomparableReason(maker, index)) ?? null;
  if (stranger !== null) return incomparable(`the original's image is no witness: ${stranger}`);
  const strange = incomparableReason(made, index);
  if (strange !== null) return incomparable(`the re-made image is no witness: ${strange}`);
  // the store has just confirmed these very bytes, so that nothing needs to be read
  if (digest !== null && digest === original_digest)
    return { ...known, outcome: "identical_bytes", distance: null, mean_error: null, reason: null };
  const before = await readAt(parts, original, index);
  if ("lost" in before) return incomparable(`the original's image ${before.lost}`);
  const after = await readAt(parts, made, index);
  if ("lost" in after) return incomparable(`the re-made image ${after.lost}`);
  try {
    return { ...known, ...(await compareImages(before.bytes, after.bytes)), reason: null };
  } catch (error) {
    // a proof is for good: what says nothing about the images is compared again later
    if (!isImageVerdict(error)) throw error;
    return incomparable(error.message);
  }
}

function digestAt({ images }: RequestDetail, index: number): string | null {
  return images.find((image) => image.index === index)?.digest ?? null;
}

/** The bytes of an image, proven; or what became of them. Throws only where the store cannot be read. */
async function readAt(
  { store, signal }: CompareDeps,
  detail: RequestDetail,
  index: number,
): Promise<{ bytes: Buffer } | { lost: string }> {
  const digest = digestAt(detail, index);
  const asset = detail.assets.find((one) => one.digest === digest);
  if (asset === undefined) return { lost: "was never archived" };
  const bytes = await store.get(asset.key, { signal });
  if (bytes === undefined)
    return { lost: detail.request.erased_at === null ? "is not in the store" : "was erased, as was asked" };
  if (createHash("sha256").update(bytes).digest("hex") === asset.digest) return { bytes };
  return { lost: "is spoilt: the store holds other bytes under its key" };
}
