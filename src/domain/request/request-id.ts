// Request ids and the BullMQ job ids derived from them. Pure, except for the randomness of a new id.
import { createHash, randomUUID } from "node:crypto";

/**
 * The format of a request id. Without ":", which BullMQ reserves, and neither "." nor "..", which cannot be a URL path
 * segment. No lookahead: the published schemas contain it, and not every regex engine has lookaheads.
 */
export const REQUEST_ID_PATTERN =
  /^(?:[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}|\.[A-Za-z0-9_-][A-Za-z0-9._-]{0,98}|\.\.[A-Za-z0-9._-]{1,98})$/;

/** The format of older versions, whose records must stay readable. */
export const RECORDED_ID_PATTERN = /^[A-Za-z0-9._-]{1,100}$/;

/** A new request id. Starts with the time, so that rows close in time are close on disk. */
export function newRequestId(nowMs: number): string {
  // the first 48 bits of a UUID are all random; Node caches randomness for UUIDs, but not for randomBytes
  const uuid = randomUUID();
  return `${nowMs.toString(36)}-${uuid.slice(0, 8)}${uuid.slice(9, 13)}`;
}

/** The BullMQ job id of a request. The prefix prevents a clash of an id such as "meta" with BullMQ's own keys. */
export function toJobId(requestId: string): string {
  return `req-${requestId}`;
}

/**
 * The request id of a job without one: BullMQ's job id and the time it was added (ms). Job ids start again at 1 after a loss
 * of Redis data; the time keeps them apart from older requests. A job id with other characters is replaced by its hash.
 */
export function requestIdOfJob(jobId: string, addedAtMs: number): string {
  const safe = /^[A-Za-z0-9._-]{1,60}$/.test(jobId) ? jobId : sha256(jobId).slice(0, 32);
  return `job-${safe}-${addedAtMs}`;
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
