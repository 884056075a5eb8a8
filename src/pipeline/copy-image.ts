// One image from wherever it lies to an asset: fetch → verify → put → record. Any number of times, with the same end.
import { createHash } from "node:crypto";
import { ArchiverError, levelOf, RejectedError, toMessage } from "../domain/errors.ts";
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

/** The bytes under a digest never change, so every cache may keep them for ever. */
const CACHE_CONTROL = "public, max-age=31536000, immutable";

/** Copies one image. Throws what kept it from being copied; `url_expired` when its URL is dead for good. */
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

/** Bytes that lie on disk. Where they are of no use the URL is asked; without one they never will be. */
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
    if (!(error instanceof ArchiverError) || FINAL_VERDICTS.has(error.code)) throw error;
    const why = `the bytes that came with the answer are no image: ${error.message}`;
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
    throw isExpired(run, image) ? expired(run, { image, error }) : error;
  }
}

/**
 * Decodes the bytes. What may take the process down is marked before, in a commit of its own, so that a mark that is found
 * later counts a death: everything large, and whatever a job comes to that was begun before.
 *
 * | marks found | decoded |
 * |---|---|
 * | 0, 1 | beside others |
 * | 2 | alone: of several images in hand at two crashes, only one is to blame |
 * | 3 | never again: its bytes are kept and the request is parked |
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

/** So much decoded is what a large answer of the API takes (2048 × 2048): below, the first try costs no commit. */
const UNMARKED_DECODE_MAX_BYTES = 32 * 1024 * 1024;

const CRASHES_UNTIL_EXCLUSIVE = 2;

/** The code of an image that is decoded no more. */
export const DECODER_DIED = "decoder_died";

/** What these say of bytes holds for the same bytes from the URL, and no other call is to be paid for them. */
const FINAL_VERDICTS: ReadonlySet<string> = new Set([DECODER_DIED, "decoded_too_large"]);

async function toParkError(
  run: CopyRun,
  { image, bytes, crashes }: { image: Image; bytes: Buffer; crashes: number },
): Promise<ArchiverError> {
  await spoolBytes(run, { image, bytes });
  const message =
    `Cannot copy image ${image.index} of request "${run.requestId}": the worker died ${crashes} times while ` +
    "it decoded it, the last time alone. Its bytes are kept in the spool; retry decodes it again";
  return new ArchiverError(message, { code: DECODER_DIED });
}

// Only a try that failed after the URL's end is final: some providers keep their word for longer. One that we broke off
// ourselves was no try.
function isExpired(run: CopyRun, image: Image): boolean {
  if (run.delivery.signal.aborted) return false;
  return image.expires_at !== null && run.clock.now() >= image.expires_at;
}

function expired(run: CopyRun, { image, error }: { image: Image; error: unknown }): RejectedError {
  const expiredAt = new Date(image.expires_at ?? 0).toISOString();
  const message = `Cannot copy image ${image.index} of request "${run.requestId}": its URL died at ${expiredAt}; the last try: ${toMessage(error)}`;
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

// the same bytes may have been removed for a deleted request between the put and its row: then they are put once more
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

// The store is down and the URL will die, or nobody dares to decode them: the bytes are at hand now, so they wait on disk.
async function spoolBytes(run: CopyRun, { image, bytes }: { image: Image; bytes: Buffer }): Promise<void> {
  if (image.spool_file !== null) return;
  const name = `${image.request_id}.${image.call_number ?? 0}.${image.index}`;
  try {
    await run.spool.write(name, bytes);
    await run.catalog.recordSpoolFile(image, name);
  } catch (error) {
    const code = error instanceof ArchiverError ? error.code : "internal_error";
    run.log[levelOf(error)](
      { request_id: run.requestId, code, error: toMessage(error) },
      "cannot spool an image that waits to be archived",
    );
  }
}
