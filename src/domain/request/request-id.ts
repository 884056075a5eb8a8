// Request ids and the BullMQ job ids made of them. Pure, but for the randomness of a fresh id.
import { createHash, randomUUID } from "node:crypto";

/**
 * What a request id may look like. No ":", which BullMQ keeps for itself, and neither "." nor "..", which no URL path can name.
 * Written without a lookahead: the published schemas hold it, and not every language's expressions have one.
 */
export const REQUEST_ID_PATTERN =
  /^(?:[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}|\.[A-Za-z0-9_-][A-Za-z0-9._-]{0,98}|\.\.[A-Za-z0-9._-]{1,98})$/;

/** The same as older versions had it: what they recorded is still read. */
export const RECORDED_ID_PATTERN = /^[A-Za-z0-9._-]{1,100}$/;

/** A fresh request id: time first, so that neighbours in time are neighbours on disk. */
export function newRequestId(nowMs: number): string {
  // the first 48 bits of a UUID, all of them random: Node draws randomness for many UUIDs at once, and for each call of
  // randomBytes anew
  const uuid = randomUUID();
  return `${nowMs.toString(36)}-${uuid.slice(0, 8)}${uuid.slice(9, 13)}`;
}

/** The BullMQ job id of a request. The prefix keeps a caller's "meta" or "completed" away from BullMQ's own keys. */
export function toJobId(requestId: string): string {
  return `req-${requestId}`;
}

/**
 * The request id of a job that brought none: BullMQ's id and the time it was added (ms), so that ids which start again
 * at 1 after a Redis loss never meet an old request. An id with other characters is replaced by its hash.
 */
export function requestIdOfJob(jobId: string, addedAtMs: number): string {
  const safe = /^[A-Za-z0-9._-]{1,60}$/.test(jobId) ? jobId : sha256(jobId).slice(0, 32);
  return `job-${safe}-${addedAtMs}`;
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
