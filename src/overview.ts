// What is going on, in figures: the catalog's counts and the queues', the same in `status`, over HTTP and in the metrics.
import type { App } from "./app.ts";
import type { Counts } from "./catalog/counts.ts";
import { ConfigError, TransientError } from "./errors.ts";
import type { QueueCounts } from "./queue/counts.ts";
import type { GateState } from "./queue/gate.ts";

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

async function lookAtQueues(
  app: App,
  onAway: (error: Error) => void,
): Promise<Pick<Overview, "generate" | "archive" | "gate">> {
  try {
    const queues = await app.queues();
    await queues.ping();
    const [counts, gate] = await Promise.all([queues.counts(), queues.gate.state()]);
    return { ...counts, gate };
  } catch (error) {
    if (!(error instanceof TransientError || error instanceof ConfigError)) throw error;
    onAway(error);
    return { generate: null, archive: null, gate: null };
  }
}
