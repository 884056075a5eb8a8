// What is going on, in figures: the catalog's counts and the queues', the same in `status`, over HTTP and in the metrics.
import type { App } from "./app.ts";
import type { Counts } from "./catalog/counts.ts";
import { ConfigError, TransientError } from "./errors.ts";
import type { GateState } from "./queue/gate.ts";

export interface QueueCounts {
  waiting: number;
  active: number;
  delayed: number;
  failed: number;
}

export interface Overview extends Counts {
  /** null when Redis cannot be reached. */
  generate: QueueCounts | null;
  archive: QueueCounts | null;
  gate: GateState | null;
}

/** Looks at catalog and queues; `onAway` hears why Redis cannot be asked. */
export async function lookAround(app: App, onAway: (error: Error) => void): Promise<Overview> {
  const counts = app.catalog().counts();
  return { ...(await lookAtQueues(app, onAway)), ...counts };
}

const STATES = ["waiting", "prioritized", "active", "delayed", "failed"] as const;

async function lookAtQueues(
  app: App,
  onAway: (error: Error) => void,
): Promise<Pick<Overview, "generate" | "archive" | "gate">> {
  try {
    const queues = await app.queues();
    await queues.ping();
    const [generate, archive, gate] = await Promise.all([
      queues.generate.getJobCounts(...STATES),
      queues.archive.getJobCounts(...STATES),
      queues.gate.state(),
    ]);
    return { generate: toQueueCounts(generate), archive: toQueueCounts(archive), gate };
  } catch (error) {
    if (!(error instanceof TransientError || error instanceof ConfigError)) throw error;
    onAway(error);
    return { generate: null, archive: null, gate: null };
  }
}

// BullMQ keeps waiting jobs in two places, by whether they have a priority: to everybody else they wait
function toQueueCounts(counts: Record<string, number>): QueueCounts {
  const { waiting = 0, prioritized = 0, active = 0, delayed = 0, failed = 0 } = counts;
  return { waiting: waiting + prioritized, active, delayed, failed };
}
