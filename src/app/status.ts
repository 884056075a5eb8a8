// What is going on, in figures: the catalog's counts, the queues' and the workers, the same in `status`, over HTTP and in the metrics.

import { ConfigError, TransientError } from "../domain/errors.ts";
import type { StatusView } from "../output/report/status-view.ts";
import type { HeldJobs } from "../queue/counts.ts";
import type { App } from "./app.ts";
import { toWorkerViews } from "./workers-view.ts";

/** What is going on. */
export type Status = StatusView;

/** Looks at catalog and queues; `onAway` hears why Redis cannot be asked. */
export async function getStatus(app: App, onAway: (error: Error) => void): Promise<Status> {
  const counts = app.catalog().counts();
  const { held, ...queues } = await getQueueStatus(app, onAway);
  const records = app.catalog().listWorkers();
  const last = records.reduce((latest, { last_seen }) => Math.max(latest, last_seen), 0);
  return {
    ...queues,
    store: queues.gate === null ? null : { ok: queues.gate.store === null, error: queues.gate.store },
    workers: toWorkerViews(records, held),
    last_worker_seen: last === 0 ? null : new Date(last).toISOString(),
    ...counts,
  };
}

type Queued = Pick<Status, "generate" | "archive" | "gate"> & { held: HeldJobs | undefined };

async function getQueueStatus(app: App, onAway: (error: Error) => void): Promise<Queued> {
  try {
    const queues = await app.queues();
    await queues.ping();
    const [counts, held, gate] = await Promise.all([queues.counts(), queues.listHeld(), queues.gate.state()]);
    return { ...counts, held, gate };
  } catch (error) {
    if (!(error instanceof TransientError || error instanceof ConfigError)) throw error;
    onAway(error);
    return { generate: null, archive: null, gate: null, held: undefined };
  }
}
