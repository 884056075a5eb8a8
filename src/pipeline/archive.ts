// The second stage: copies the images of an answer to the store as assets, writes the sidecar, and archives the request.
// Nothing here costs money, so every step may run again: it checks the record first.
import { ArchiverError, levelOf, toMessage } from "../domain/errors.ts";
import type { ArchivedAsset, Image, RequestDetail, RequestRecord } from "../domain/records.ts";
import { archiveDelayMs } from "./backoff.ts";
import type { ByteSemaphore } from "./byte-semaphore.ts";
import { copyImage, DECODER_DIED } from "./copy-image.ts";
import type { InspectImage, Thumbnails } from "./image-ports.ts";
import { missingIndexes } from "./missing.ts";
import type { Catalog, Clock, Downloader, Log, Notifier, OnStep, Spool, Store, TerminalState } from "./ports.ts";
import { putSidecar } from "./put-sidecar.ts";
import { runSteps, type Step } from "./steps.ts";
import type { Outcome } from "./verdict.ts";

export interface ArchivePorts {
  catalog: Catalog;
  store: Store;
  downloader: Downloader;
  inspect: InspectImage;
  spool: Spool;
  /** Bounds the image bytes held in memory. */
  imageMemory: ByteSemaphore;
  thumbnails: Thumbnails;
  clock: Clock;
  notifier: Notifier;
  random: () => number;
  log: Log;
  onStep: OnStep;
}

/** What an archive job returns. This format is public. */
export interface ArchiveResult {
  request_id: string;
  recipe_id: string | null;
  seed: number | null;
  assets: ArchivedAsset[];
}

export interface ArchiveDelivery {
  requestId: string;
  /** Counts the runs of this job, from 1. */
  attempt: number;
  /** Aborted when the copy must stop: the process is stopping, or another worker took the job. */
  signal: AbortSignal;
}

export interface ArchiveRun extends ArchivePorts {
  delivery: ArchiveDelivery;
  requestId: string;
  detail: RequestDetail;
  /** The archive time, equal in sidecar and row. */
  archivedAt: number;
}

type ArchiveStep = Step<ArchiveRun, ArchiveResult>;

/** The steps, in order. Within `copy` each image has its own steps: download, verify, put, record. */
export const ARCHIVE_STEPS: readonly ArchiveStep[] = [
  { name: "load", do: load },
  { name: "copy", do: copy },
  { name: "sidecar", do: writeSidecar },
  { name: "finish", do: finish },
  { name: "notify", do: notify },
  { name: "clean_up", do: cleanUp },
];

/** Runs one archive job through all steps. Never throws: every result is an outcome. */
export async function archive(delivery: ArchiveDelivery, ports: ArchivePorts): Promise<Outcome<ArchiveResult>> {
  const run = { ...ports, delivery, requestId: delivery.requestId } as ArchiveRun;
  try {
    return await runSteps(ARCHIVE_STEPS, run);
  } catch (error) {
    return handleError(run, error);
  }
}

/** If recording the failure fails as well, the job waits and runs again; the record then decides what is left to do. */
async function handleError(run: ArchiveRun, thrown: unknown): Promise<Outcome<ArchiveResult>> {
  try {
    return await scheduleRetry(run, thrown);
  } catch (error) {
    run.log[levelOf(error)](
      { request_id: run.requestId, error: toMessage(error), cause: toMessage(thrown) },
      "cannot record the result of a copy; retrying",
    );
    return waitFor(run, error);
  }
}

function waitFor(run: ArchiveRun, thrown: unknown): Outcome<ArchiveResult> & { delayMs: number } {
  const { attempt } = run.delivery;
  const delayMs = archiveDelayMs({ attempt, msToExpiry: msToExpiry(run), random: run.random });
  return {
    kind: "wait",
    scope: "request",
    delayMs,
    error: thrown instanceof Error ? thrown : new Error(toMessage(thrown)),
  };
}

async function load(run: ArchiveRun): Promise<Outcome<ArchiveResult> | undefined> {
  const detail = await run.catalog.find(run.requestId);
  if (detail === undefined) {
    const message = `Cannot archive request "${run.requestId}": the catalog does not know it; was it moved or restored?`;
    return { kind: "rejected", error: new ArchiverError(message, { code: "unknown_request" }) };
  }
  run.detail = detail;
  const { state } = detail.request;
  if (state === "archived") return { kind: "done", result: toResult(detail) };
  if (state === "copying") return undefined;
  return copyPartial(run);
}

// a request that failed, is parked or still lacks images: copy the images it has; if it has finished, write its sidecar
async function copyPartial(run: ArchiveRun): Promise<Outcome<ArchiveResult>> {
  const failure = await copyAll(run);
  // an image that is lost for good fails the request later, once the request has all its images and is `copying`
  if (failure !== undefined && !isFinal(failure)) return scheduleRetry(run, failure);
  const { state } = run.detail.request;
  if (state === "failed" || state === "parked" || state === "cancelled") {
    await putSidecar(run);
    await run.catalog.markSidecarWritten(run.requestId);
  }
  return { kind: "done", result: toResult(run.detail) };
}

async function copy(run: ArchiveRun): Promise<Outcome<ArchiveResult> | undefined> {
  const failure = await copyAll(run);
  if (failure !== undefined) return scheduleRetry(run, failure);
  const missing = missingIndexes(run.detail);
  if (missing.length === 0) return undefined;
  const error = run.detail.request.error ?? { code: "short_answer", message: `${missing.length} images never came` };
  return failRequest(run, error);
}

/** Copies all images that are not archived yet, concurrently. Returns the failure that decides, or undefined. */
async function copyAll(run: ArchiveRun): Promise<unknown> {
  const pending = run.detail.images.filter((image) => image.digest === null);
  const results = await Promise.allSettled(pending.map((image) => copyImage(run, image)));
  const failures = results.flatMap((result) => (result.status === "rejected" ? [result.reason as unknown] : []));
  if (pending.length > 0) run.detail = (await run.catalog.find(run.requestId)) ?? run.detail;
  // a retryable failure first: retrying cannot help an image that is lost for good
  return failures.find((failure) => !isFinal(failure)) ?? failures[0];
}

async function writeSidecar(run: ArchiveRun): Promise<undefined> {
  // the row gets the same time, so that sidecar and row are equal to the millisecond
  run.archivedAt = run.clock.now();
  await putSidecar(run, { state: "archived", archived_at: run.archivedAt });
}

async function finish(run: ArchiveRun): Promise<Outcome<ArchiveResult> | undefined> {
  // the steps that follow use only the images, which this does not change: no need to read the record again
  const done = await run.catalog.finish(run.requestId, { state: "archived", archived_at: run.archivedAt });
  if (done) run.log.debug({ request_id: run.requestId, assets: run.detail.images.length }, "archived");
  return undefined;
}

// if the process dies before this step, maintenance sends the webhook
async function notify(run: ArchiveRun): Promise<undefined> {
  await run.notifier.notify(run.detail.request);
}

async function cleanUp(run: ArchiveRun): Promise<Outcome<ArchiveResult>> {
  await removeSpooled(run);
  return { kind: "done", result: toResult(run.detail) };
}

async function removeSpooled(run: ArchiveRun): Promise<void> {
  const archived = run.detail.images.filter((image) => image.digest !== null);
  await Promise.all(
    archived.flatMap((image) => (image.spool_file === null ? [] : [run.spool.remove(image.spool_file)])),
  );
}

/** Permanent failures: the image is lost, or must not be fetched. */
const FINAL_CODES = new Set([
  "url_expired",
  "address_refused",
  "image_too_large",
  "decoded_too_large",
  "spool_lost",
  "answer_broken",
  DECODER_DIED,
]);

function isFinal(thrown: unknown): boolean {
  return thrown instanceof ArchiverError && FINAL_CODES.has(thrown.code);
}

async function scheduleRetry(run: ArchiveRun, thrown: unknown): Promise<Outcome<ArchiveResult>> {
  const error = thrown instanceof Error ? thrown : new Error(toMessage(thrown));
  const code = thrown instanceof ArchiverError ? thrown.code : "internal_error";
  if (code === DECODER_DIED && run.detail !== undefined) return parkRequest(run, { code, message: error.message });
  if (isFinal(thrown) && run.detail !== undefined) return failRequest(run, { code, message: error.message });
  const outcome = waitFor(run, error);
  const { attempt } = run.delivery;
  // the reason is in the request's row; only a bug is worth the operator's attention
  const level = thrown instanceof ArchiverError ? "debug" : "warn";
  run.log[level]({ request_id: run.requestId, code, attempt, delay_ms: outcome.delayMs }, error.message);
  // do not overwrite the reason for missing images with a transient error
  if (run.detail !== undefined && missingIndexes(run.detail).length === 0) {
    await run.catalog.recordError(run.requestId, { code, message: error.message, spend: false });
  }
  return outcome;
}

async function failRequest(
  run: ArchiveRun,
  reason: { code: string; message: string },
): Promise<Outcome<ArchiveResult>> {
  await finishRequest(run, { state: "failed", error: reason });
  await removeSpooled(run);
  return { kind: "rejected", error: new ArchiverError(reason.message, { code: reason.code }) };
}

// the bytes are in the spool: an operator decides whether to decode them again
async function parkRequest(
  run: ArchiveRun,
  reason: { code: string; message: string },
): Promise<Outcome<ArchiveResult>> {
  await finishRequest(run, { state: "parked", error: reason, while: "copying" });
  return { kind: "parked", error: new ArchiverError(reason.message, { code: reason.code }) };
}

type UnarchivedState = Exclude<TerminalState, { state: "archived" }>;

async function finishRequest(run: ArchiveRun, how: UnarchivedState): Promise<void> {
  const reason = how.error;
  await run.catalog.finish(run.requestId, how);
  run.detail = (await run.catalog.find(run.requestId)) ?? run.detail;
  run.log.error({ request_id: run.requestId, code: reason.code }, reason.message);
  await run.notifier.notify(run.detail.request);
  // the request is finished even if the store cannot take its sidecar now
  const sidecarWritten = putSidecar(run).then(() => run.catalog.markSidecarWritten(run.requestId));
  await sidecarWritten.catch((error) =>
    run.log[levelOf(error)](
      { request_id: run.requestId, error: toMessage(error) },
      "cannot write the sidecar now; maintenance writes it later",
    ),
  );
}

function msToExpiry(run: ArchiveRun): number | null {
  const expiring = (run.detail?.images ?? []).filter(
    (image: Image) => image.digest === null && image.spool_file === null,
  );
  const times = expiring.flatMap((image) => image.expires_at ?? []);
  return times.length === 0 ? null : Math.min(...times) - run.clock.now();
}

function toResult(detail: RequestDetail): ArchiveResult {
  const { request } = detail;
  const seed = request.recipe?.seed ?? null;
  return { request_id: request.request_id, recipe_id: request.recipe_id, seed, assets: toArchivedAssets(detail) };
}

/** The archived images of a request, in order. */
export function toArchivedAssets({ images, assets }: Pick<RequestDetail, "images" | "assets">): ArchivedAsset[] {
  const byDigest = new Map(assets.map((asset) => [asset.digest, asset]));
  return images.flatMap(({ index, digest }) => {
    const asset = digest === null ? undefined : byDigest.get(digest);
    if (asset === undefined) return [];
    const { key, bytes, content_type, width, height } = asset;
    return [{ index, digest: asset.digest, key, bytes, content_type, width, height }];
  });
}

/** Whether a request is in a terminal state. `parked` is not: it needs an operator's decision. */
export function isTerminal(state: RequestRecord["state"]): boolean {
  return state === "archived" || state === "failed" || state === "cancelled";
}
