// The ports of the pipeline: the interfaces it needs. Adapters are in the other folders.
// Everything that waits or does I/O takes a signal; clock and randomness are parameters.

import type { Call, HoldReason, NewAsset, ObjectFacts, RequestDetail, RequestRecord } from "../domain/records.ts";
import type { Json } from "../domain/request/canonical-json.ts";
import type { Recipe } from "../domain/request/recipe.ts";
import type { Request } from "../domain/request/submission.ts";

/** What a call requests: a recipe. `seed` and `n` differ from the request's if only missing images are requested. */
export interface CallRequest {
  recipe: Recipe;
  response_format: "url" | "b64_json";
}

/** The API's answer, parsed. `created` in seconds. An image may come as a URL, as bytes, or as both. */
export interface Answer {
  created: number;
  images: { url?: string; bytes?: Buffer }[];
  usage: Json;
  http_status: number;
  api_request_id: string | null;
  /** The most severe error that the answer reports for a single missing image. Absent if there is no such error. */
  refused?: CallFailure;
}

/** Why a call failed. `class` is what to do about it; the message contains no secrets. */
export interface CallFailure {
  class: "rejected" | "transient" | "wait" | "config";
  code: string;
  message: string;
  http_status: number | null;
  api_request_id: string | null;
  /** The server's Retry-After, in ms. */
  retry_after_ms: number | null;
}

/**
 * The result of a call.
 * - `answered`: images came
 * - `refused`: the API refused it; not paid
 * - `unknown`: sent, outcome unknown; may be paid
 * - `unsent`: never sent (DNS, refused connection, TLS); does not count as a call
 */
export type CallResult =
  | { kind: "answered"; answer: Answer }
  /** `unread`: the decoded body of a 2xx that could not be parsed. It must be kept first of all. */
  | { kind: "refused" | "unknown" | "unsent"; failure: CallFailure; unread?: Buffer };

/** The only client of the image API. Never throws for API or network errors. */
export interface ImageApi {
  /** One HTTP call, without retries. Aborting `signal` after it was sent makes it `unknown`. */
  call(request: CallRequest, options: { signal: AbortSignal }): Promise<CallResult>;
  close(): Promise<void>;
}

/** Downloads image URLs safely: capped size, checked addresses, minimum rate. */
export interface Downloader {
  /**
   * The whole body. Throws RejectedError (`address_refused`, `image_too_large`) for what must not be fetched, and
   * TransientError (`download_*`; `download_gone` on 403, 404 and 410) otherwise. `admit` is called before the body is
   * read, with its maximum size.
   */
  download(url: string, options: { signal: AbortSignal; admit?: (bytes: number) => Promise<void> }): Promise<Buffer>;
  close(): Promise<void>;
}

export interface PutOptions {
  contentType: string;
  /** SHA-256 of the bytes, lower-case hex. */
  digest: string;
  cacheControl?: string;
  signal?: AbortSignal;
}

/** Part of an object: the first and the last byte, both included, counted from 0. */
export interface ByteRange {
  start: number;
  end: number;
}

/** A stream of bytes. Reading to the end or destroying it releases the file or the connection behind it. */
export interface ByteStream extends AsyncIterable<Uint8Array> {
  destroy(): unknown;
}

/** An object store. Keys are relative, with "/" between parts. */
export interface Store {
  /** Resolves once the store holds exactly these bytes under `key`, confirmed by digest. Idempotent. */
  put(key: string, bytes: Buffer, options: PutOptions): Promise<void>;
  /** The bytes, or undefined if there is no such object. */
  get(key: string, options?: { signal?: AbortSignal }): Promise<Buffer | undefined>;
  /** The bytes as a stream; undefined if there is no such object. The caller must read it to the end or destroy it. */
  read(key: string, options?: { range?: ByteRange; signal?: AbortSignal }): Promise<ByteStream | undefined>;
  /** A URL that anyone can download for `expiresMs`. Only on stores that support it. */
  presign?(key: string, options: { expiresMs: number }): Promise<string>;
  /** The metadata, or undefined if there is no such object. */
  head(key: string, options?: { signal?: AbortSignal }): Promise<ObjectFacts | undefined>;
  /** All keys that begin with `prefix`, in no particular order. */
  list(prefix: string, options?: { signal?: AbortSignal }): AsyncIterable<{ key: string; bytes: number }>;
  /** Succeeds if there is no such object. */
  delete(key: string, options?: { signal?: AbortSignal }): Promise<void>;
  /** The location of a key, for people: a path, or s3://bucket/key. */
  locate(key: string): string;
  close(): Promise<void>;
}

/** Bytes that came with an answer, kept on disk (fsynced) until they are archived. */
export interface Spool {
  /** Durable when it resolves. Replaces a file of the same name. Throws ConfigError if it cannot write. */
  write(name: string, bytes: Buffer): Promise<void>;
  /**
   * The bytes, or undefined if there is no such file. `admit` is called before they are read, with their number. Throws
   * ConfigError if it cannot read.
   */
  read(name: string, options?: { admit?: (bytes: number) => Promise<void> }): Promise<Buffer | undefined>;
  /** Succeeds if there is no such file. */
  remove(name: string): Promise<void>;
}

/** Rate limits, halts and pace of the API, shared by all workers. */
export interface Gate {
  /** A permit for one call, at once or after a short wait; or how long all workers should wait, and why. */
  acquire(options: {
    signal: AbortSignal;
  }): Promise<{ admitted: true } | { admitted: false; waitMs: number; reason: string; held?: "store" }>;
  /** Returns an unused permit. */
  release(): Promise<void>;
  /** Reports the result of a call to all workers. Resolves to how long (ms) all should wait now; 0 for no wait. */
  recordOutcome(result: CallResult): Promise<number>;
}

/** The catalog's permission for a call, decided in one transaction; or why not. */
export type Reservation =
  | { kind: "reserved"; call: Call }
  /** A call of this request is in flight on a live worker. */
  | { kind: "out" }
  /** Another request with the same recipe (explicit seed) is in flight: its images can be reused. */
  | { kind: "in_flight_elsewhere"; request_id: string }
  /** The backlog of images that are not archived yet is at its limit. */
  | { kind: "backlog"; images: number }
  /** The batch is held (window, budget, paused): the request is `queued` until that changes. */
  | { kind: "held"; reason: HoldReason; message: string }
  /** The request no longer needs a call. */
  | { kind: "settled"; state: RequestRecord["state"] };

/** The catalog. Every promise resolves after its own durable commit (synchronous=FULL). */
export interface Catalog {
  /** Records a request, or finds it. Throws RejectedError `request_id_conflict` if the id has other content. */
  accept(request: Request, origin: { jobId: string; batchId?: string; reproduces?: string }): Promise<RequestDetail>;
  /** Records invalid data as a failed request, so that it is visible. */
  acceptFault(fault: {
    requestId: string;
    jobId: string;
    collection: string;
    /** What was sent, bounded by `toRecordable`. */
    submitted: Json;
    error: { code: string; message: string };
  }): Promise<void>;
  find(requestId: string): Promise<RequestDetail | undefined>;

  /** Turns this request's `sent` calls of dead workers into `unknown`; returns the request as it is now. */
  settleDeadCalls(requestId: string): Promise<RequestDetail | undefined>;
  /** Answers a request with the images of an archived one with the same recipe, if one exists. */
  reuse(requestId: string): Promise<RequestDetail | undefined>;
  /** Why the request's batch is held now. The same decision as in `reserveCall`, available before the gate. */
  holdOf(requestId: string, images: number): Promise<Extract<Reservation, { kind: "held" }> | undefined>;
  /** Writes the row of a call that is about to be sent. */
  reserveCall(requestId: string, call: { n: number; seed: number }): Promise<Reservation>;
  /** Removes a reserved call that was never sent. `spend` counts the attempt anyway. */
  withdrawCall(call: Call, options: { spend: boolean }): Promise<void>;
  closeCall(call: Call, end: CallEnd): Promise<void>;
  /** Commits an answer: call, generation, images; the request goes to `copying` when it has all its images. */
  answerCall(call: Call, answer: AnswerRecord): Promise<RequestDetail>;
  /** Images generated and not yet archived, plus those of calls in flight. */
  countUnarchivedImages(): Promise<number>;

  /**
   * Records an asset (unless it exists) and links it to the image. If its bytes were erased before for a deleted request,
   * the put may have been erased with them: nothing is recorded, and it resolves to the time of the erasure. The caller then
   * puts the bytes again and passes that time as `putAfter`. Throws TransientError `being_erased` during an erasure.
   */
  recordAsset(
    image: { request_id: string; index: number },
    asset: NewAsset,
    again?: { putAfter: number },
  ): Promise<number | undefined>;
  /** Records that the store has these assets' thumbnails. Resolves to the assets that were erased meanwhile. */
  recordThumbnails(digests: readonly string[]): Promise<string[]>;
  /** Records why an unfinished request waits or is retried, for its status. */
  recordError(requestId: string, note: { code: string; message: string; spend: boolean }): Promise<void>;
  /** Moves a request with missing images to `copying`. Once its images are archived it fails with `error`. */
  completePartially(requestId: string, error: { code: string; message: string }): Promise<void>;
  /** Records that the bytes of an image are in the spool: its URL may expire. */
  recordSpoolFile(image: { request_id: string; index: number }, spoolFile: string): Promise<void>;
  /** How many decodes of the image began and never finished. */
  decodeAttempts(image: { request_id: string; index: number }): Promise<number>;
  /** Records that decoding begins. The mark stays if the process crashes. */
  markDecoding(image: { request_id: string; index: number }): Promise<void>;
  /** Removes the mark: decoding has finished, with or without an error. */
  clearDecoding(image: { request_id: string; index: number }): Promise<void>;
  /** Records that the sidecar in the store is up to date. */
  markSidecarWritten(requestId: string): Promise<void>;
  /** Moves a request to a terminal state, unless it is in one. Resolves to whether this call did it. */
  finish(requestId: string, end: TerminalState): Promise<boolean>;
}

/** The result of a call that returned no images. */
export interface CallEnd {
  state: "refused" | "unknown";
  failure: CallFailure;
  spend: boolean;
  /** The spool file with an answer that could not be parsed. */
  answerFile?: string | null;
}

export interface AnswerRecord {
  answer: Answer;
  /** One for each image kept, in order. */
  images: { index: number; url: string | null; spool_file: string | null; expires_at: number | null }[];
  expires_at: number | null;
  /** True when the request has all its images; false when some are missing. */
  complete: boolean;
  /** Set if missing images are never requested again: the request archives the others and then fails with this. */
  refused?: { code: string; message: string } | null;
}

export type TerminalState =
  /** `archived_at` as in the sidecar. Default: now. */
  | { state: "archived"; archived_at?: number }
  | { state: "failed" | "cancelled"; error: { code: string; message: string } }
  /** `while: "copying"`: by the second stage. Without it: by the first, which must not park a request that is copying. */
  | { state: "parked"; error: { code: string; message: string }; while?: "copying" };

/**
 * The purpose of an archive job: `copy` for all images of a request, `part` for the images of a short answer, `end` for the
 * sidecar of a request that finished without being archived. Each purpose has its own job.
 */
export type ArchivePurpose = "copy" | "part" | "end";

/** The queue between the first stage and the second. */
export interface ArchiveQueue {
  /** Adds an archive job, unless it exists. `expiresAt` sets its priority. */
  add(job: { request_id: string; expiresAt: number | null; purpose: ArchivePurpose }): Promise<void>;
}

/** Sends the webhook of a finished request early. The catalog records pending webhooks, so maintenance sends them anyway. */
export interface Notifier {
  /** Never throws. */
  notify(request: Pick<RequestRecord, "request_id" | "webhook_url">): Promise<void>;
}

export interface Clock {
  now(): number;
  /** Resolves after `ms`, or when the signal is aborted; never rejects. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

/** The logger; pino implements it. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** Called after each named step. The crash test kills the process here. */
export type OnStep = (step: string, requestId: string) => void | Promise<void>;
