// The way in for our own doors: a request is recorded first, then its job is added. All doors share it.

import { levelOf, toMessage } from "../domain/errors.ts";
import type { RequestDetail } from "../domain/records.ts";
import { newRequestId, toJobId } from "../domain/request/request-id.ts";
import { parseSubmission, toRequest } from "../domain/request/submission.ts";
import type { Catalog } from "../pipeline/ports.ts";
import { archiveJobId } from "../queue/archive-jobs.ts";
import { reached } from "../queue/connection.ts";
import { toGenerateJob } from "../queue/generate-jobs.ts";
import type { App } from "./app.ts";

/**
 * Accepts one request: committed to the catalog, then put into the queue. The same id with the same content is a no-op.
 * Throws RejectedError for data that does not fit or an id that is taken, TransientError when Redis cannot be reached; in
 * that case nothing was accepted. `reproduces` names the request that what comes is to be compared with; `accept` records
 * it, which is the catalog of this thread where it is left out.
 */
export async function submit(
  app: App,
  data: unknown,
  { reproduces, accept = app.catalog().accept }: { reproduces?: string; accept?: Catalog["accept"] } = {},
): Promise<RequestDetail> {
  const submission = parseSubmission(data);
  const queues = await app.queues();
  const request = toRequest(submission, {
    requestId: submission.request_id ?? newRequestId(app.clock.now()),
    random: Math.random,
  });
  await queues.ping();
  const detail = await accept(request, {
    jobId: toJobId(request.request_id),
    ...(reproduces !== undefined && { reproduces }),
  });
  if (detail.request.state !== "queued") return detail;
  // from here on it is accepted: a Redis that fails just now is made good by the workers' upkeep
  await queues
    .addGenerate(toGenerateJob(detail.request))
    .catch((error) =>
      app.log[levelOf(error)]({ error: toMessage(error) }, "recorded; the queue will hear of it later"),
    );
  return detail;
}

/** Puts a retried request back into the queue of its stage. What is left of its old jobs is removed first. */
export async function requeue(
  app: App,
  request: { request_id: string; batch_id: string | null },
  stage: "generate" | "archive",
): Promise<void> {
  const { generate, archive } = await app.queues();
  const { request_id } = request;
  await reached(app.settings.redisUrl, async () => {
    await Promise.all([
      generate.remove(toJobId(request_id)),
      archive.remove(archiveJobId(request_id, "copy")),
      archive.remove(archiveJobId(request_id, "end")),
    ]);
    if (stage === "archive") await archive.add("archive", { request_id }, { jobId: archiveJobId(request_id, "copy") });
    const job = toGenerateJob(request);
    if (stage === "generate") await generate.add(job.name, job.data, job.opts);
  });
}

/** Waits on the record until a request has ended or is parked. Undefined when the signal came first. */
export async function waitForEnd(app: App, requestId: string, signal: AbortSignal): Promise<RequestDetail | undefined> {
  await app.endWatch.wait(requestId, signal);
  return signal.aborted ? undefined : app.catalog().find(requestId);
}
