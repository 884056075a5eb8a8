// Waits on the record until reproductions have ended, and compares each as soon as it can be.
import type { App } from "../../app/app.ts";
import { getBatchView, hasSettled } from "../../batches/run/view.ts";
import type { RequestDetail, RequestState } from "../../domain/records.ts";
import { isTerminal } from "../../pipeline/archive.ts";
import { compareReproduction } from "../compare.ts";

/** The record is looked at this often, in ms. */
const LOOK_EVERY_MS = 200;

/** Workers may be changed for others in this time, in ms; nobody is waited for longer. */
const WORKER_WITHIN_MS = 30_000;

export interface FollowOptions {
  signal: AbortSignal;
  /** The batch that holds their budget, where there is one. */
  batchId?: string | undefined;
  onLook?(done: { ended: number; of: number }): void;
}

/**
 * Why the waiting is over: all have ended; no worker lives, so that nothing would ever come; the batch is held by its
 * budget or a person; or the signal was aborted. What has not ended goes on by itself and is compared by a worker.
 */
export type Followed = "ended" | "no_worker" | "held" | "aborted";

/** Follows them to their ends. `details` are as they stood at the last look, in the order of the ids. */
export async function followReproductions(
  app: App,
  ids: readonly string[],
  { signal, batchId, onLook }: FollowOptions,
): Promise<{ why: Followed; details: RequestDetail[] }> {
  const ended = new Map<string, RequestDetail>();
  // at the very first look nobody is waited for: who has just been asked for something wants to know at once
  let workerSeenAt = Number.NEGATIVE_INFINITY;
  for (;;) {
    const left = ids.filter((id) => !ended.has(id));
    // one small query for all that is waited for; the whole of a request is read when it has ended
    const states = app.catalog().browse.states(left);
    for (const id of left) if (isOver(states.get(id))) await look(app, { id, ended, signal });
    onLook?.({ ended: ended.size, of: ids.length });
    const now = app.clock.now();
    if (app.catalog().listLiveWorkers().length > 0) workerSeenAt = now;
    const why = whyOver(app, { left: ids.length - ended.size, idleMs: now - workerSeenAt, batchId, signal });
    if (why !== undefined) return { why, details: await readAll(app, ids) };
    await app.clock.sleep(LOOK_EVERY_MS, signal);
  }
}

interface Look {
  id: string;
  ended: Map<string, RequestDetail>;
  signal: AbortSignal;
}

function isOver(state: RequestState | undefined): boolean {
  return state !== undefined && (isTerminal(state) || state === "parked");
}

async function look(app: App, { id, ended, signal }: Look): Promise<void> {
  const catalog = app.catalog();
  const detail = await catalog.find(id);
  if (detail === undefined || !isOver(detail.request.state)) return;
  if (detail.request.state === "archived" && !(await compareNow(app, { id, signal }))) return;
  ended.set(id, detail);
}

// what we broke off ourselves is no failure: a worker compares it
async function compareNow(app: App, { id, signal }: Omit<Look, "ended">): Promise<boolean> {
  const { clock, log } = app;
  try {
    await compareReproduction({ catalog: app.catalog(), store: app.store(), clock, log, signal }, id);
    return true;
  } catch (error) {
    if (signal.aborted) return false;
    throw error;
  }
}

function whyOver(
  app: App,
  now: { left: number; idleMs: number; batchId: string | undefined; signal: AbortSignal },
): Followed | undefined {
  if (now.left === 0) return "ended";
  if (now.signal.aborted) return "aborted";
  if (now.idleMs > WORKER_WITHIN_MS) return "no_worker";
  const batch = now.batchId === undefined ? undefined : getBatchView(app, now.batchId);
  return batch !== undefined && hasSettled(batch) ? "held" : undefined;
}

async function readAll(app: App, ids: readonly string[]): Promise<RequestDetail[]> {
  const details = await Promise.all(ids.map((id) => app.catalog().find(id)));
  return details.filter((detail) => detail !== undefined);
}
