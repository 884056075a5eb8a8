// The ports of the pipeline: what it needs from the world, in its own words. Adapters live in the other folders.
// Everything that waits or does I/O takes a signal; clock and randomness are handed in.

import type { Call, HoldReason, NewAsset, ObjectFacts, RequestDetail, RequestRecord } from "../domain/records.ts";
import type { Json } from "../domain/request/canonical-json.ts";
import type { Recipe } from "../domain/request/recipe.ts";
import type { Request } from "../domain/request/submission.ts";

/** What a call asks for: a recipe, where `seed` and `n` may differ from the request's when only missing images are made up. */
export interface CallRequest {
  recipe: Recipe;
  response_format: "url" | "b64_json";
}

/** The API's answer, taken apart. `created` in seconds. An image may come as a URL, as bytes, or as both. */
export interface Answer {
  created: number;
  images: { url?: string; bytes?: Buffer }[];
  usage: Json;
  http_status: number;
  api_request_id: string | null;
  /** What was said of single images that did not come: the gravest of it. Left out where nothing was. */
  refused?: CallFailure;
}

/** Why a call failed. `class` is what to do about it; the message never holds a secret. */
export interface CallFailure {
  class: "rejected" | "transient" | "wait" | "config";
  code: string;
  message: string;
  http_status: number | null;
  api_request_id: string | null;
  /** What the other side asked for (Retry-After), in ms. */
  retry_after_ms: number | null;
}

/**
 * How a call ended.
 * - `answered`: images came
 * - `refused`: the API said no; not paid
 * - `unknown`: sent, and nobody knows the outcome; money may be spent
 * - `unsent`: it never left (DNS, refused connection, TLS); not a call
 */
export type CallResult =
  | { kind: "answered"; answer: Answer }
  /** `unread`: what came with a 2xx that could not be read, its content coding undone; kept before anything else happens. */
  | { kind: "refused" | "unknown" | "unsent"; failure: CallFailure; unread?: Buffer };

/** The only way to the image API. Never throws for what the API or the network does. */
export interface ImageApi {
  /** One HTTP call, never repeated by itself. Aborting `signal` after it was sent makes it `unknown`. */
  call(request: CallRequest, options: { signal: AbortSignal }): Promise<CallResult>;
  close(): Promise<void>;
}

/** Fetches image URLs, safely: capped size, checked addresses, minimum rate. */
export interface Downloader {
  /**
   * The whole body. Throws RejectedError (`address_refused`, `image_too_large`) for what must not be fetched,
   * TransientError (`download_*`; `download_gone` on 403, 404 and 410) for the rest. `admit` is asked before the body is
   * read, with the most that may come.
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

/** Bytes on their way. Reading to the end or destroying it gives back the file or the connection behind it. */
export interface ByteStream extends AsyncIterable<Uint8Array> {
  destroy(): unknown;
}

/** Where the bytes live. Keys are relative, with "/" between parts. */
export interface Store {
  /** Resolves once the store holds exactly these bytes under `key`, confirmed by digest; repeating it is harmless. */
  put(key: string, bytes: Buffer, options: PutOptions): Promise<void>;
  /** The bytes, or undefined where there are none. */
  get(key: string, options?: { signal?: AbortSignal }): Promise<Buffer | undefined>;
  /** The bytes as they come, for readers who may be slow; undefined where there are none. Whoever asked for it ends it. */
  read(key: string, options?: { range?: ByteRange; signal?: AbortSignal }): Promise<ByteStream | undefined>;
  /** An address that gives these bytes to anybody for `expiresMs`. Only stores that can give one have it. */
  presign?(key: string, options: { expiresMs: number }): Promise<string>;
  /** What is known without reading the bytes, or undefined where there are none. */
  head(key: string, options?: { signal?: AbortSignal }): Promise<ObjectFacts | undefined>;
  /** All keys that begin with `prefix`, in no promised order. */
  list(prefix: string, options?: { signal?: AbortSignal }): AsyncIterable<{ key: string; bytes: number }>;
  /** Deleting what is not there is no error. */
  delete(key: string, options?: { signal?: AbortSignal }): Promise<void>;
  /** The address of a key for a person: a path, or s3://bucket/key. */
  locate(key: string): string;
  close(): Promise<void>;
}

/** Bytes that came with an answer, kept on disk (fsynced) until they are archived. */
export interface Spool {
  /** Durable when it resolves. Writing the same name again replaces it. Throws ConfigError when the disk does not take it. */
  write(name: string, bytes: Buffer): Promise<void>;
  /**
   * The bytes, or undefined where there are none. `admit` is asked before they are read, with how many they are. Throws
   * ConfigError when the disk does not give them.
   */
  read(name: string, options?: { admit?: (bytes: number) => Promise<void> }): Promise<Buffer | undefined>;
  /** Removing what is not there is no error. */
  remove(name: string): Promise<void>;
}

/** The fleet's common sense about the API: rate limits, halts and pace, shared by all workers. */
export interface Gate {
  /** Leave for one call, at once or after a short wait; or how long everybody should stay away, and why. */
  acquire(options: {
    signal: AbortSignal;
  }): Promise<{ admitted: true } | { admitted: false; waitMs: number; reason: string }>;
  /** Leave that was not used after all: another one may have it. */
  release(): Promise<void>;
  /** Tells everybody how a call ended. Resolves to how long (ms) everybody should stay away now: 0 when not at all. */
  recordOutcome(result: CallResult): Promise<number>;
}

/** Leave to make a call, given by the catalog in one transaction; or why not. */
export type Reservation =
  | { kind: "reserved"; call: Call }
  /** A call of this request is out, made by a worker that lives. */
  | { kind: "out" }
  /** Another request with the same explicit-seed recipe is on its way: its images will do. */
  | { kind: "in_flight_elsewhere"; request_id: string }
  /** So many images wait to be archived that none more are bought for now. */
  | { kind: "backlog"; images: number }
  /** Its batch may start nothing now (window, budget, a person): the request is back in `queued` until that changes. */
  | { kind: "held"; reason: HoldReason; message: string }
  /** The request needs no call any more. */
  | { kind: "settled"; state: RequestRecord["state"] };

/** The record. Every promise resolves after its own durable commit (synchronous=FULL). */
export interface Catalog {
  /** Records a request, or finds it. Throws RejectedError `request_id_conflict` when the id holds other content. */
  accept(request: Request, origin: { jobId: string; batchId?: string; reproduces?: string }): Promise<RequestDetail>;
  /** Records data that never fitted as a failed request, so that somebody can see it. */
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
  /** Answers a request from an archived one with the same recipe. Undefined when there is none. */
  reuse(requestId: string): Promise<RequestDetail | undefined>;
  /** Why the request's batch may start nothing now; the same question that `reserveCall` decides, asked before the gate. */
  holdOf(requestId: string, images: number): Promise<Extract<Reservation, { kind: "held" }> | undefined>;
  /** Writes the row of a call that is about to be sent. */
  reserveCall(requestId: string, call: { n: number; seed: number }): Promise<Reservation>;
  /** Takes a reserved call back: it never left. `spend` counts the attempt all the same. */
  withdrawCall(call: Call, options: { spend: boolean }): Promise<void>;
  closeCall(call: Call, end: CallEnd): Promise<void>;
  /** Commits an answer: call, generation, images; the request goes to `copying` when it has all its images. */
  answerCall(call: Call, answer: AnswerRecord): Promise<RequestDetail>;
  /** Images generated and not yet archived, plus those of calls that are out. */
  countUnarchivedImages(): Promise<number>;

  /**
   * Records an asset (unless it stands already) and ties it to the image. Where its bytes were removed once for a deleted
   * request, what was put may have gone with them: nothing is recorded, and it resolves to when that was. Whoever has put
   * them again since names that time as `putAfter`. Throws TransientError `being_erased` while they are being removed.
   */
  recordAsset(
    image: { request_id: string; index: number },
    asset: NewAsset,
    again?: { putAfter: number },
  ): Promise<number | undefined>;
  /** The thumbnails of these assets are in the store; resolves to those of which the bytes were erased meanwhile. */
  recordThumbnails(digests: readonly string[]): Promise<string[]>;
  /** Writes down why an unfinished request waits or tries again, for people who look meanwhile. */
  recordError(requestId: string, note: { code: string; message: string; spend: boolean }): Promise<void>;
  /** Sends what came of a request on to be copied, although images are missing; with these archived it fails with `error`. */
  completePartially(requestId: string, error: { code: string; message: string }): Promise<void>;
  /** Bytes of an image are on disk now: its URL may die. */
  recordSpoolFile(image: { request_id: string; index: number }, spoolFile: string): Promise<void>;
  /** How often decoding the image began and was not seen to end. */
  decodeAttempts(image: { request_id: string; index: number }): Promise<number>;
  /** Decoding the image begins: a process that dies meanwhile leaves this on record. */
  markDecoding(image: { request_id: string; index: number }): Promise<void>;
  /** Decoding has ended, well or not. */
  clearDecoding(image: { request_id: string; index: number }): Promise<void>;
  /** The sidecar in the store equals the record. */
  markSidecarWritten(requestId: string): Promise<void>;
  /** Ends a request. A request that has ended stays as it is; returns whether this call ended it. */
  finish(requestId: string, end: TerminalState): Promise<boolean>;
}

/** How a call ended that brought nothing. */
export interface CallEnd {
  state: "refused" | "unknown";
  failure: CallFailure;
  spend: boolean;
  /** The spool file with what came and could not be read. */
  answerFile?: string | null;
}

export interface AnswerRecord {
  answer: Answer;
  /** One for each image kept, in order. */
  images: { index: number; url: string | null; spool_file: string | null; expires_at: number | null }[];
  expires_at: number | null;
  /** True when the request has all its images; false when some are missing. */
  complete: boolean;
  /** Why images are missing that are never asked for again: the request goes on with what came, and then fails with this. */
  refused?: { code: string; message: string } | null;
}

export type TerminalState =
  /** `archived_at` as its sidecar says; left out: now. */
  | { state: "archived"; archived_at?: number }
  | { state: "failed" | "cancelled"; error: { code: string; message: string } }
  /** `while: "copying"` by the second stage; left out: by the first, which has no say any more once images are copied. */
  | { state: "parked"; error: { code: string; message: string }; while?: "copying" };

/**
 * Why an archive job is made: `copy` for all images of a request, `part` for what came of a short answer, `end` for the
 * sidecar of a request that ended otherwise. Each has its own place in the queue.
 */
export type ArchivePurpose = "copy" | "part" | "end";

/** The way from the first stage to the second. */
export interface ArchiveQueue {
  /** Adds an archive job; one that is there already is left alone. `expiresAt` decides who goes first. */
  add(job: { request_id: string; expiresAt: number | null; purpose: ArchivePurpose }): Promise<void>;
}

/** Tells those who wait for a request that it has ended. The catalog holds what is to be told; this only hurries it. */
export interface Notifier {
  /** Never throws. */
  notify(request: Pick<RequestRecord, "request_id" | "webhook_url">): Promise<void>;
}

export interface Clock {
  now(): number;
  /** Resolves after `ms`, or at once when the signal is aborted; never rejects. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

/** The few words the pipeline says while it works; pino fits. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** Called after each named step; the crash test kills the process here. */
export type OnStep = (step: string, requestId: string) => void | Promise<void>;
