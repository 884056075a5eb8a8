// How producers without a catalog hand over work: the whole request lies in the job, and the worker records it.
import type { Queue } from "bullmq";
import { TransientError } from "../domain/errors.ts";
import { toJobId } from "../domain/request/request-id.ts";

/** A request as it goes into a job: as its producer wrote it, with an id. */
export type ProducedJob = { readonly request_id: string };

/**
 * Adds a chunk of requests; an id that is in the queue already is left as it is. Resolves to the ids that were not taken:
 * `addBulk` says nothing of its own when a script fails.
 */
export async function addRequests(generate: Queue, requests: readonly ProducedJob[]): Promise<Set<string>> {
  const jobs = requests.map((data) => ({ name: "generate", data, opts: { jobId: toJobId(data.request_id) } }));
  const added = await generate.addBulk(jobs);
  const taken = new Set(added.map((job) => job.id));
  return new Set(requests.map((data) => data.request_id).filter((id) => !taken.has(toJobId(id))));
}

/** Adds one. Throws TransientError where Redis did not take it. */
export async function addRequest(generate: Queue, request: ProducedJob): Promise<void> {
  const job = await generate.add("generate", request, { jobId: toJobId(request.request_id) });
  if (job.id === toJobId(request.request_id)) return;
  throw new TransientError(`Cannot enqueue request "${request.request_id}": Redis did not take the job`, {
    code: "redis_refused_job",
  });
}
