// Why a request has not ended yet, in words for whoever waits for it: the reasons that hold all calls first, then its own.

import { getHoldReason } from "../batches/run/report-trigger.ts";
import { describeHold } from "../domain/batch.ts";
import type { RequestRecord } from "../domain/records.ts";
import { toJobId } from "../domain/request/request-id.ts";
import { formatDuration } from "../domain/units.ts";
import type { StatusView, WaitReason } from "../output/report/status-view.ts";
import { isTerminal } from "../pipeline/archive.ts";
import { archiveJobId } from "../queue/archive-jobs.ts";
import type { App } from "./app.ts";
import { getStatus } from "./status.ts";

/** Why this request waits; empty where it has ended, or where there is none. */
export async function explainWait(app: App, requestId: string): Promise<WaitReason[]> {
  const detail = await app.catalog().find(requestId);
  if (detail === undefined || isTerminal(detail.request.state) || detail.request.state === "parked") return [];
  const { request } = detail;
  const status = await getStatus(app, () => undefined);
  const shared = toSharedReasons(status, { now: app.clock.now(), copies: request.state === "copying" });
  const held = request.batch_id === null ? [] : explainBatchHold(app, request.batch_id);
  const own = status.generate === null ? [] : await explainOwn(app, request, status);
  return [...shared, ...held, ...own];
}

/** Why a batch waits: what holds all calls. What holds the batch itself stands in its view. */
export async function explainBatchWait(app: App): Promise<WaitReason[]> {
  const status = await getStatus(app, () => undefined);
  return toSharedReasons(status, { now: app.clock.now(), copies: status.requests.queued === 0 });
}

/** The reasons that concern everything. Those that hold calls only are left out for what is being copied. Pure. */
export function toSharedReasons(
  { generate, gate, workers, last_worker_seen }: StatusView,
  { now, copies }: { now: number; copies: boolean },
): WaitReason[] {
  const reasons: WaitReason[] = [];
  if (generate === null)
    reasons.push(reason("redis_unreachable", "Redis cannot be reached: nothing moves until it is back"));
  if (!workers.some(({ alive }) => alive))
    reasons.push(reason("no_worker", noWorker(workers, { last_worker_seen, now })));
  if (gate?.reason && !copies) {
    const until = gate.until !== null && gate.until > now ? gate.until : null;
    reasons.push(reason("calls_held", `Calls are held: ${gate.reason}`, until));
  }
  return reasons;
}

/** That no worker is alive, since when, and what the last ones left in hand. Pure. */
export function noWorker(
  workers: StatusView["workers"],
  { last_worker_seen, now }: { last_worker_seen: string | null; now: number },
): string {
  const left = workers.reduce((jobs, { generate, archive }) => jobs + (generate ?? 0) + (archive ?? 0), 0);
  const since =
    last_worker_seen === null
      ? ""
      : `; the last one was seen ${formatDuration(now - Date.parse(last_worker_seen))} ago`;
  const jobs = left === 0 ? "" : ` and left ${left} jobs in hand, which the next one takes over`;
  return `No worker is running${since}${jobs}: start one with \`asset-archiver worker\``;
}

function explainBatchHold(app: App, batchId: string): WaitReason[] {
  const catalog = app.catalog();
  const batch = catalog.batches.find(batchId);
  const hold = batch === undefined ? null : getHoldReason(batch, { catalog, now: app.clock.now() });
  if (batch === undefined || hold === null) return [];
  return [reason("batch_held", describeHold(batch, hold), hold === "window" ? batch.opens_at : null)];
}

async function explainOwn(app: App, request: RequestRecord, status: StatusView): Promise<WaitReason[]> {
  const { request_id, state, error, attempt } = request;
  const queues = await app.queues();
  const job =
    state === "copying"
      ? await queues.findJob("archive", archiveJobId(request_id, "copy"))
      : await queues.findJob("generate", request.job_id, toJobId(request_id));
  const bound = app.settings.generate.maxUnarchivedImages;
  const unarchived = state === "copying" ? 0 : await app.catalog().countUnarchivedImages();
  const reasons: WaitReason[] = [];
  if (unarchived >= bound)
    reasons.push(
      reason(
        "backlog",
        `${unarchived} images wait to be archived (MAX_UNARCHIVED_IMAGES ${bound}): no new ones are bought`,
      ),
    );
  if (error !== null) {
    const tries =
      attempt > 0 && state !== "copying" ? `attempt ${attempt} of ${app.settings.generate.attempts} failed: ` : "";
    reasons.push(reason("retrying", `${tries}${error.code}: ${error.message}`, job?.nextTryAt ?? null));
  } else if (job?.state === "active") reasons.push(reason("in_hand", "A worker has it in hand"));
  else
    reasons.push(reason("queued", `In the queue with ${othersOf(status, state)} other jobs`, job?.nextTryAt ?? null));
  return reasons;
}

function othersOf({ generate, archive }: StatusView, state: RequestRecord["state"]): number {
  const queue = state === "copying" ? archive : generate;
  return Math.max(0, (queue?.waiting ?? 0) + (queue?.active ?? 0) + (queue?.delayed ?? 0) - 1);
}

function reason(code: WaitReason["code"], message: string, nextTryAt: number | null = null): WaitReason {
  return { code, message, next_try_at: nextTryAt === null ? null : new Date(nextTryAt).toISOString() };
}
