// What Redis alone knows of a request: the states of its two jobs, put together. The catalog knows more, and for longer.
import type { Job, Queue } from "bullmq";
import type { ArchivedAsset, RequestState } from "../domain/records.ts";
import { toJobId } from "../domain/request/request-id.ts";
import { archiveJobId } from "./archive-jobs.ts";
import type { Queues } from "./queues.ts";

/** A request as its jobs tell it. */
export interface JobStatus {
  state: RequestState;
  error: { code: string; message: string } | null;
  recipe_id: string | null;
  seed: number | null;
  /** null where no job tells of them. */
  assets: ArchivedAsset[] | null;
  /** The jobs that would tell how it goes on are gone: only the catalog knows. */
  vanished: boolean;
}

interface JobEnd {
  state: string;
  returned: Record<string, unknown>;
  failedReason: string;
}

/** Undefined where no job of this request is there (any more). */
export async function getJobStatus(
  { generate, archive }: Pick<Queues, "generate" | "archive">,
  requestId: string,
): Promise<JobStatus | undefined> {
  // in this order: the second job is added before the first one ends, so that none can slip between the two looks
  const made = await endOf(generate, toJobId(requestId));
  const copied = await endOf(archive, archiveJobId(requestId, "copy"));
  if (copied !== undefined) return toCopied(copied);
  return made && toMade(made);
}

/** What was asked for under this id, as far as its job still holds it. */
export async function findSubmitted(generate: Queue, requestId: string): Promise<unknown> {
  const job: Job | undefined = await generate.getJob(toJobId(requestId));
  return job?.data;
}

async function endOf(queue: Queue, jobId: string): Promise<JobEnd | undefined> {
  const state = await queue.getJobState(jobId);
  if (state === "unknown") return undefined;
  if (state !== "completed" && state !== "failed") return { state, returned: {}, failedReason: "" };
  const job: Job | undefined = await queue.getJob(jobId);
  if (job === undefined) return undefined;
  const returned = typeof job.returnvalue === "object" && job.returnvalue !== null ? job.returnvalue : {};
  return { state, returned, failedReason: job.failedReason ?? "" };
}

const NOTHING_MORE: Omit<JobStatus, "state"> = {
  error: null,
  recipe_id: null,
  seed: null,
  assets: null,
  vanished: false,
};

/**
 * | archive job | request |
 * |---|---|
 * | failed | failed |
 * | completed | archived |
 * | anything else | copying |
 */
function toCopied({ state, returned, failedReason }: JobEnd): JobStatus {
  if (state === "failed") return { ...NOTHING_MORE, state: "failed", error: toError(failedReason) };
  if (state !== "completed") return { ...NOTHING_MORE, state: "copying" };
  const { recipe_id, seed, assets } = returned as { recipe_id?: string; seed?: number; assets?: ArchivedAsset[] };
  return {
    ...NOTHING_MORE,
    state: "archived",
    recipe_id: recipe_id ?? null,
    seed: seed ?? null,
    assets: assets ?? null,
  };
}

/**
 * | generate job | request |
 * |---|---|
 * | failed | failed |
 * | completed, parked | parked |
 * | completed, with an end | that end |
 * | completed, with "copying" and no archive job | copying, vanished |
 * | active | generating |
 * | anything else | queued |
 */
function toMade({ state, returned, failedReason }: JobEnd): JobStatus {
  if (state === "failed") return { ...NOTHING_MORE, state: "failed", error: toError(failedReason) };
  if (state !== "completed") return { ...NOTHING_MORE, state: state === "active" ? "generating" : "queued" };
  if (typeof returned.parked === "string")
    return { ...NOTHING_MORE, state: "parked", error: { code: "parked", message: returned.parked } };
  const then = (returned.state as RequestState | undefined) ?? "copying";
  return { ...NOTHING_MORE, state: then, vanished: then === "copying" };
}

/** Our own jobs fail with "code: message". */
function toError(failedReason: string): { code: string; message: string } {
  const [, code, message] = /^([a-z][a-z0-9_]*): (.*)$/s.exec(failedReason) ?? [];
  return code === undefined || message === undefined
    ? { code: "internal_error", message: failedReason }
    : { code, message };
}
