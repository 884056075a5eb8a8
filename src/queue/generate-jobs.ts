// Jobs of queue "generate" that refer to recorded requests: their form and their order.
import { toJobId } from "../domain/request/request-id.ts";
import type { NamedJob } from "./job-bundle.ts";

/** Batches come after whatever a person waits for: jobs without a priority go first. */
const BATCH_PRIORITY = 10;

/** A job of queue "generate" that refers to a recorded request. */
export function toGenerateJob(request: { request_id: string; batch_id: string | null }): NamedJob & {
  data: { request_id: string };
} {
  const priority = request.batch_id === null ? {} : { priority: BATCH_PRIORITY };
  return {
    name: "generate",
    data: { request_id: request.request_id },
    opts: { jobId: toJobId(request.request_id), ...priority },
  };
}
