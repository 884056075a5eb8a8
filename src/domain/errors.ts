// The error classes of the project, named by what the caller must do. Imports nothing.
// An adapter translates foreign errors into these; no other code depends on status codes or an SDK's error names.

/** What is wrong with one field, and what was expected. */
export interface Fault {
  field: string;
  message: string;
}

interface ErrorOptions {
  code: string;
  cause?: unknown;
}

/** The base of all our errors. `code` is stable, for programs; the message is for people and contains no secrets. */
export class ArchiverError extends Error {
  readonly code: string;

  constructor(message: string, options: ErrorOptions) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = options.code;
  }
}

/** Can never succeed: do not retry. `faults` lists every invalid field. */
export class RejectedError extends ArchiverError {
  readonly faults: readonly Fault[];

  constructor(message: string, options: ErrorOptions & { faults?: readonly Fault[] }) {
    super(message, options);
    this.faults = options.faults ?? [];
  }
}

/** Failed now, may succeed later: retry with backoff; spends an attempt. */
export class TransientError extends ArchiverError {}

/** The server asks to wait: retry after `retryAfterMs` (undefined: it did not say when); spends no attempt. */
export class WaitError extends ArchiverError {
  readonly retryAfterMs: number | undefined;

  constructor(message: string, options: ErrorOptions & { retryAfterMs?: number | undefined }) {
    super(message, options);
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** Requires operator action (a key, a balance, a setting, a disk). Work pauses until it is fixed; nothing fails. */
export class ConfigError extends ArchiverError {
  readonly faults: readonly Fault[];

  constructor(message: string, options: ErrorOptions & { faults?: readonly Fault[] }) {
    super(message, options);
    this.faults = options.faults ?? [];
  }
}

/** A call was sent and its outcome is unknown: it may be paid. The policy for unknown calls decides. */
export class UnknownOutcomeError extends ArchiverError {}

/** The message of anything thrown, for a log or a row, without the stack. */
export function toMessage(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** What can become unavailable at run time. */
export type Dependency = "redis" | "store" | "mirror" | "catalog" | "spool" | "api";

/** Codes that start like an outage's but concern a single object or job. */
const OBJECT_CODES = [
  "redis_refused_job",
  "spool_lost",
  "store_key_invalid",
  "store_mismatch",
  "store_object_too_large",
];

const OUTAGE = /^(redis|store|catalog|spool)_/;

/** The dependency that is unavailable according to an error; undefined if the error is about something else. */
export function outageOf(thrown: unknown): Dependency | undefined {
  if (!(thrown instanceof TransientError || thrown instanceof ConfigError)) return undefined;
  if (OBJECT_CODES.includes(thrown.code)) return undefined;
  return OUTAGE.exec(thrown.code)?.[1] as Dependency | undefined;
}

/** The code of a decode that ended before its verdict: a timeout, no memory, no decoder. */
export const DECODE_INTERRUPTED = "decode_interrupted";

const IMAGE_VERDICTS: ReadonlySet<string> = new Set(["not_an_image", "image_broken", "decoded_too_large"]);

/** Whether an error of inspecting an image is a verdict on its bytes. Any other error says nothing about them: inspect again later. */
export function isImageVerdict(thrown: unknown): thrown is ArchiverError {
  return thrown instanceof ArchiverError && IMAGE_VERDICTS.has(thrown.code);
}

/** The log level of an error. An outage is logged once for all, so the errors it causes are debug. */
export function levelOf(thrown: unknown, otherwise: "warn" | "error" = "warn"): "debug" | "warn" | "error" {
  return outageOf(thrown) === undefined ? otherwise : "debug";
}
