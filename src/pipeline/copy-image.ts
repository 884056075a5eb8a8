// Copies one image to the store: fetch → verify → put → record. Idempotent.
import { createHash } from "node:crypto";
import { ArchiverError, isImageVerdict, levelOf, RejectedError, toMessage } from "../domain/errors.ts";
import { imageKey } from "../domain/keys.ts";
import type { Image } from "../domain/records.ts";
import type { ByteSemaphore, Lease } from "./byte-semaphore.ts";
import type { InspectedImage, InspectImage, Thumbnails } from "./image-ports.ts";
import type { Catalog, Clock, Downloader, Log, OnStep, Spool, Store } from "./ports.ts";

export interface CopyRun {
  catalog: Catalog;
  store: Store;
  downloader: Downloader;
  inspect: InspectImage;
  spool: Spool;
  thumbnails: Thumbnails;
  imageMemory: ByteSemaphore;
  clock: Clock;
  log: Log;
  onStep: OnStep;
  requestId: string;
  delivery: { signal: AbortSignal; attempt: number };
}

/** The bytes under a digest never change, so caches may keep them indefinitely. */
const CACHE_CONTROL = "public, max-age=31536000, immutable";

/** Copies one image. Throws the reason it could not be copied; `url_expired` if its URL has expired. */
export async function copyImage(run: CopyRun, image: Image): Promise<void> {
  const lease = run.imageMemory.open();
  try {
    await copyWithLease({ ...run, lease }, image);
  } finally {
    lease.release();
  }
}

type LeasedRun = CopyRun & { lease: Lease };

async function copyWithLease(run: LeasedRun, image: Image): Promise<void> {
  const { bytes, facts } = (await fromSpool(run, image)) ?? (await fromUrl(run, image));
  const digest = createHash("sha256").update(bytes).digest("hex");
  const key = imageKey(digest, facts.extension);
  await put(run, { image, key, bytes, digest, facts });
  await run.onStep("put", run.requestId);
  await record(run, { image, key, bytes, digest, facts });
  await run.onStep("record", run.requestId);
  run.thumbnails.offer({ digest, preview: facts.preview });
}

interface DownloadedImage {
  bytes: Buffer;
  facts: InspectedImage;
}

/** The bytes in the spool; undefined if the URL must be used instead. Throws if the bytes are unusable and there is no URL. */
async function fromSpool(run: LeasedRun, image: Image): Promise<DownloadedImage | undefined> {
  if (image.spool_file === null) return undefined;
  const bytes = await run.spool.read(image.spool_file, { admit: run.lease.acquire });
  if (bytes === undefined)
    return requireUrl(run, image, { code: "spool_lost", why: "its bytes are gone from the spool" });
  await run.onStep("download", run.requestId);
  try {
    const facts = await inspectMarked(run, { image, bytes });
    await run.onStep("verify", run.requestId);
    return { bytes, facts };
  } catch (error) {
    if (!(error instanceof ArchiverError) || FINAL_VERDICTS.has(error.code) || isUndecided(error)) throw error;
    const why = `the bytes in the answer are not an image: ${error.message}`;
    return requireUrl(run, image, { code: "answer_broken", why });
  }
}

function requireUrl(run: CopyRun, image: Image, { code, why }: { code: string; why: string }): undefined {
  if (image.url !== null) return undefined;
  throw new RejectedError(`Cannot copy image ${image.index} of request "${run.requestId}": ${why}`, { code });
}

async function fromUrl(run: LeasedRun, image: Image): Promise<DownloadedImage> {
  const bytes = await download(run, image);
  await run.onStep("download", run.requestId);
  const facts = await verify(run, { image, bytes });
  await run.onStep("verify", run.requestId);
  return { bytes, facts };
}

async function download(run: LeasedRun, image: Image): Promise<Buffer> {
  try {
    return await run.downloader.download(image.url ?? "", { signal: run.delivery.signal, admit: run.lease.acquire });
  } catch (error) {
    throw isExpired(run, image) ? expired(run, { image, error }) : error;
  }
}

async function verify(run: CopyRun, { image, bytes }: { image: Image; bytes: Buffer }): Promise<InspectedImage> {
  try {
    return await inspectMarked(run, { image, bytes });
  } catch (error) {
    if (error instanceof ArchiverError && error.code === DECODER_DIED) throw error;
    if (isUndecided(error)) {
      // the URL may be dead by the next try
      await spoolBytes(run, { image, bytes });
      throw error;
    }
    throw isExpired(run, image) ? expired(run, { image, error }) : error;
  }
}

/**
 * Decodes the bytes. Before a decode that may crash the process, a mark is committed; a mark found later counts a crash.
 * Marked are large images, and every image of a job that ran before.
 *
 * | marks found | decoded |
 * |---|---|
 * | 0, 1 | concurrently with others |
 * | 2 | exclusively: only one of the images that were being decoded at a crash caused it |
 * | 3 | not again: the bytes stay in the spool and the request is parked |
 */
async function inspectMarked(run: CopyRun, { image, bytes }: { image: Image; bytes: Buffer }): Promise<InspectedImage> {
  const crashes = await run.catalog.decodeAttempts(image);
  if (crashes > CRASHES_UNTIL_EXCLUSIVE) throw await toParkError(run, { image, bytes, crashes });
  let marked = false;
  const beforeDecode = async ({ decodedBytes }: { decodedBytes: number }) => {
    if (decodedBytes <= UNMARKED_DECODE_MAX_BYTES && crashes === 0 && run.delivery.attempt <= 1) return;
    await run.catalog.markDecoding(image);
    marked = true;
    await run.onStep("decode", run.requestId);
  };
  try {
    return await run.inspect(bytes, { exclusive: crashes >= CRASHES_UNTIL_EXCLUSIVE, beforeDecode });
  } finally {
    if (marked) await run.catalog.clearDecoding(image);
  }
}

/** Fits the largest image of the API today (2048 × 2048), decoded. Up to this size the first attempt costs no commit. */
const UNMARKED_DECODE_MAX_BYTES = 32 * 1024 * 1024;

const CRASHES_UNTIL_EXCLUSIVE = 2;

/** The code of an image that is not decoded again. */
export const DECODER_DIED = "decoder_died";

/** These hold for the same bytes from the URL as well, so the URL is not tried. */
const FINAL_VERDICTS: ReadonlySet<string> = new Set([DECODER_DIED, "decoded_too_large"]);

/** Errors of inspecting that are no verdict on the bytes: they stay in the spool, and the job runs again. */
function isUndecided(thrown: unknown): boolean {
  return thrown instanceof ArchiverError && thrown.code !== DECODER_DIED && !isImageVerdict(thrown);
}

async function toParkError(
  run: CopyRun,
  { image, bytes, crashes }: { image: Image; bytes: Buffer; crashes: number },
): Promise<ArchiverError> {
  await spoolBytes(run, { image, bytes });
  const message =
    `Cannot copy image ${image.index} of request "${run.requestId}": the worker died ${crashes} times while ` +
    "decoding it, the last time exclusively. Its bytes are kept in the spool; retry decodes it again";
  return new ArchiverError(message, { code: DECODER_DIED });
}

// Only an attempt that failed after the expiry is final: some providers serve a URL for longer. An attempt that we aborted
// does not count.
function isExpired(run: CopyRun, image: Image): boolean {
  if (run.delivery.signal.aborted) return false;
  return image.expires_at !== null && run.clock.now() >= image.expires_at;
}

function expired(run: CopyRun, { image, error }: { image: Image; error: unknown }): RejectedError {
  const expiredAt = new Date(image.expires_at ?? 0).toISOString();
  const message = `Cannot copy image ${image.index} of request "${run.requestId}": its URL expired at ${expiredAt}; last attempt: ${toMessage(error)}`;
  return new RejectedError(message, { code: "url_expired", cause: error });
}

interface CheckedImage {
  image: Image;
  key: string;
  bytes: Buffer;
  digest: string;
  facts: InspectedImage;
}

async function put(run: CopyRun, { image, key, bytes, digest, facts }: CheckedImage): Promise<void> {
  try {
    const { signal } = run.delivery;
    await run.store.put(key, bytes, { contentType: facts.content_type, digest, cacheControl: CACHE_CONTROL, signal });
  } catch (error) {
    await spoolBytes(run, { image, bytes });
    throw error;
  }
}

// the same bytes may have been erased for a deleted request between the put and its row: put them again
async function record(run: CopyRun, checked: CheckedImage): Promise<void> {
  const { image, key, bytes, digest, facts } = checked;
  const { content_type, width, height, phash } = facts;
  const stored = { digest, key, bytes: bytes.length, content_type, width, height, phash };
  const asset = () => ({ ...stored, archived_at: run.clock.now() });
  let erasedAt = await run.catalog.recordAsset(image, asset());
  while (erasedAt !== undefined) {
    await put(run, checked);
    erasedAt = await run.catalog.recordAsset(image, asset(), { putAfter: erasedAt });
  }
}

// The store is down and the URL will expire, or decoding crashed the worker: keep the bytes on disk.
async function spoolBytes(run: CopyRun, { image, bytes }: { image: Image; bytes: Buffer }): Promise<void> {
  if (image.spool_file !== null) return;
  const name = `${image.request_id}.${image.call_number ?? 0}.${image.index}`;
  try {
    await run.spool.write(name, bytes);
    await run.catalog.recordSpoolFile(image, name);
  } catch (error) {
    const code = error instanceof ArchiverError ? error.code : "internal_error";
    run.log[levelOf(error)]({ request_id: run.requestId, code, error: toMessage(error) }, "cannot spool an image");
  }
}
