// The error classes of the whole house, named by what the caller must do. Imports nothing.
// A foreign error becomes one of these in the adapter that knows it; above it nobody looks at a status or an SDK's name.

/** A fault of one field: which one, and what was wanted there. */
export interface Fault {
  field: string;
  message: string;
}

interface ErrorOptions {
  code: string;
  cause?: unknown;
}

/** The root of all our errors. `code` is stable and meant for programs; the message is meant for people and never holds a secret. */
export class ArchiverError extends Error {
  readonly code: string;

  constructor(message: string, options: ErrorOptions) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = options.code;
  }
}

/** Can never succeed as it is: do not try again. `faults` names every field that was wrong, where fields were. */
export class RejectedError extends ArchiverError {
  readonly faults: readonly Fault[];

  constructor(message: string, options: ErrorOptions & { faults?: readonly Fault[] }) {
    super(message, options);
    this.faults = options.faults ?? [];
  }
}

/** Failed now, may succeed later: try again with backoff; spends an attempt. */
export class TransientError extends ArchiverError {}

/** The other side set the time: try again after `retryAfterMs` (undefined: it did not say when); spends no attempt. */
export class WaitError extends ArchiverError {
  readonly retryAfterMs: number | undefined;

  constructor(message: string, options: ErrorOptions & { retryAfterMs?: number | undefined }) {
    super(message, options);
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** The operator must act (a key, a balance, a setting, a disk): nothing fails, work halts until it is mended. */
export class ConfigError extends ArchiverError {
  readonly faults: readonly Fault[];

  constructor(message: string, options: ErrorOptions & { faults?: readonly Fault[] }) {
    super(message, options);
    this.faults = options.faults ?? [];
  }
}

/** A paid call went out and nobody knows how it ended: money may be spent. The policy for unknown calls decides. */
export class UnknownOutcomeError extends ArchiverError {}

/** The message of anything thrown, for a log or a row; never a stack. */
export function toMessage(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** What can go away while we work. */
export type Dependency = "redis" | "store" | "mirror" | "catalog" | "spool" | "api";

/** Codes that begin like an outage and concern one object or one job alone. */
const OBJECT_CODES = [
  "redis_refused_job",
  "spool_lost",
  "store_key_invalid",
  "store_mismatch",
  "store_object_too_large",
];

const OUTAGE = /^(redis|store|catalog|spool)_/;

/** Which dependency an error says is away or cannot be used; undefined where it is about something else. */
export function outageOf(thrown: unknown): Dependency | undefined {
  if (!(thrown instanceof TransientError || thrown instanceof ConfigError)) return undefined;
  if (OBJECT_CODES.includes(thrown.code)) return undefined;
  return OUTAGE.exec(thrown.code)?.[1] as Dependency | undefined;
}

/** The level at which an error is logged: what an outage causes is one line for all, and the rest of it detail. */
export function levelOf(thrown: unknown, otherwise: "warn" | "error" = "warn"): "debug" | "warn" | "error" {
  return outageOf(thrown) === undefined ? otherwise : "debug";
}
