// Jobs of queue "archive": their form, their ids and their order.
import type { Queue } from "bullmq";
import { toJobId } from "../domain/request/request-id.ts";
import type { ArchivePurpose, ArchiveQueue } from "../pipeline/ports.ts";
import { reached } from "./connection.ts";

/** What lies in a job of queue "archive". */
export interface ArchiveJobData {
  request_id: string;
}

/** The way from the first stage to the second. */
export function createArchiveQueue(archive: Queue, redisUrl: string): ArchiveQueue {
  return {
    add: async ({ request_id, expiresAt, purpose }) => {
      const data: ArchiveJobData = { request_id };
      const opts = { jobId: archiveJobId(request_id, purpose), priority: archivePriority(expiresAt) };
      await reached(redisUrl, () => archive.add("archive", data, opts));
    },
  };
}

const SUFFIX: Record<ArchivePurpose, string> = { copy: "", part: "~part", end: "~end" };

/** The job id of an archive job. "~" is in no request id, so that no purpose can meet another request. */
export function archiveJobId(requestId: string, purpose: ArchivePurpose): string {
  return `${toJobId(requestId)}${SUFFIX[purpose]}`;
}

const PRIORITY_EPOCH_MS = Date.UTC(2026, 0, 1);
const PRIORITY_STEP_MS = 10 * 60_000;
/** BullMQ's own limit, 2^21 - 1: with ten minutes a step it lasts for forty years. */
const PRIORITY_MAX = 2_097_151;

/** Nearest to loss first: BullMQ takes the lowest number first. What cannot be lost comes last. */
export function archivePriority(expiresAt: number | null): number {
  if (expiresAt === null) return PRIORITY_MAX;
  const steps = Math.ceil((expiresAt - PRIORITY_EPOCH_MS) / PRIORITY_STEP_MS);
  return Math.min(Math.max(steps, 1), PRIORITY_MAX - 1);
}
