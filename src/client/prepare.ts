// What happens to a request before it leaves: it is checked, and gets an id. Pure but for the fresh ids.
import { RejectedError } from "../domain/errors.ts";
import { newRequestId } from "../domain/request/request-id.ts";
import { parseSubmission, toRequest } from "../domain/request/submission.ts";
import type { SubmissionInput } from "../domain/request/submission-input.ts";
import type { BulkError, BulkResult } from "./contract.ts";

/** A request as its producer wrote it, checked, with an id. */
export type Prepared = SubmissionInput & { request_id: string };

/** Throws RejectedError `invalid_request` with every fault. */
export function prepare(request: SubmissionInput): Prepared {
  parseSubmission(request);
  return { ...request, request_id: request.request_id ?? newRequestId(Date.now()) };
}

/** Tells a repeat from another request under the same id; undefined for what is no whole request. */
export function contentOf(data: unknown): string | undefined {
  try {
    // the seed that is drawn here is no part of the content
    return toRequest(parseSubmission(data), { requestId: "", random: () => 0 }).content_hash;
  } catch {
    return undefined;
  }
}

/** One request of a bulk: ready to go, or refused already. */
export type Entry = { index: number; prepared: Prepared } | { index: number; refused: BulkResult };

export function toEntry(request: SubmissionInput, index: number): Entry {
  try {
    return { index, prepared: prepare(request) };
  } catch (error) {
    if (!(error instanceof RejectedError)) throw error;
    const named = (request as { request_id?: unknown } | null | undefined)?.request_id;
    return { index, refused: toPreparedError(error, { index, request_id: typeof named === "string" ? named : null }) };
  }
}

export function toPreparedError(error: RejectedError, of: { index: number; request_id: string | null }): BulkResult {
  const refused: BulkError = { code: error.code, message: error.message, faults: [...error.faults] };
  return { ...of, ok: false, error: refused };
}
