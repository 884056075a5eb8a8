// Redis is not trusted to remember: what the catalog knows as unfinished and the queues do not hold is put back.
// The catalog decides whether anything is paid again, so a job too many is harmless and a job too few is not.
import type { Queue } from "bullmq";
import type { RequestRecord } from "../domain/records.ts";
import { toJobId } from "../domain/request/request-id.ts";
import { isAlive } from "./alive.ts";
import { archiveJobId, archivePriority } from "./archive-jobs.ts";
import { toGenerateJob } from "./generate-jobs.ts";
import type { Queues } from "./queues.ts";

export type Unfinished = Pick<RequestRecord, "request_id" | "job_id" | "state" | "batch_id"> & {
  /** When the first URL dies that is still to be copied; null when nothing dies. Where nobody knows, it goes first. */
  expires_at?: number | null;
};

/** Puts back the jobs of one page of unfinished requests; returns how many were missing. */
export async function reconcile(queues: Queues, page: readonly Unfinished[]): Promise<number> {
  const { lostCopies, lostCalls } = await findLost(queues, page);
  await putBack(queues, { lostCopies, lostCalls });
  return lostCopies.length + lostCalls.length;
}

/** Those of a page of unfinished requests for which no job will run, by the queue that should hold one. */
export async function findLost(
  queues: Queues,
  page: readonly Unfinished[],
): Promise<{ lostCopies: Unfinished[]; lostCalls: Unfinished[] }> {
  const copying = page.filter((request) => request.state === "copying");
  const generating = page.filter((request) => request.state !== "copying");
  const lostCopies = await lost(queues.archive, copying, ({ request_id }) => [archiveJobId(request_id, "copy")]);
  // a job that somebody else added keeps its own id; put back, it gets ours
  const lostCalls = await lost(queues.generate, generating, ({ request_id, job_id }) => [job_id, toJobId(request_id)]);
  return { lostCopies, lostCalls };
}

async function lost(
  queue: Queue,
  requests: Unfinished[],
  jobIdsOf: (request: Unfinished) => string[],
): Promise<Unfinished[]> {
  const alive = await Promise.all(requests.map((request) => isAnyAlive(queue, new Set(jobIdsOf(request)))));
  return requests.filter((_, index) => !alive[index]);
}

async function isAnyAlive(queue: Queue, jobIds: ReadonlySet<string>): Promise<boolean> {
  const states = await Promise.all([...jobIds].map((jobId) => queue.getJobState(jobId)));
  return states.some(isAlive);
}

async function putBack(
  queues: Queues,
  { lostCopies, lostCalls }: { lostCopies: Unfinished[]; lostCalls: Unfinished[] },
): Promise<void> {
  // a finished job of the same id would make the new one a silent no-op
  await Promise.all(lostCopies.map((request) => queues.archive.remove(archiveJobId(request.request_id, "copy"))));
  await Promise.all(lostCalls.map((request) => queues.generate.remove(toJobId(request.request_id))));
  if (lostCopies.length > 0) {
    await queues.archive.addBulk(
      lostCopies.map(({ request_id, expires_at }) => ({
        name: "archive",
        data: { request_id },
        opts: {
          jobId: archiveJobId(request_id, "copy"),
          priority: archivePriority(expires_at === undefined ? 0 : expires_at),
        },
      })),
    );
  }
  if (lostCalls.length > 0) await queues.generate.addBulk(lostCalls.map((request) => toGenerateJob(request)));
}
