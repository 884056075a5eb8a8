// What a worker does besides its jobs: says that it lives, puts back what Redis lost, warns of losses that come near.
import { type App, createSpoolOf } from "./app.ts";
import type { OpenCatalog } from "./catalog/catalog.ts";
import { HEARTBEAT_MS } from "./catalog/workers.ts";
import { toMessage } from "./errors.ts";
import { createArchiveQueue, type Queues } from "./queue/queues.ts";
import { reconcile } from "./queue/reconcile.ts";
import { showDuration } from "./units.ts";

/** The catalog and the queues are compared this often, in ms, and never for more than a twentieth of the time. */
const COMPARE_EVERY_MS = 30_000;
const COMPARE_SHARE = 20;

const WARN_EVERY_MS = 60_000;
const WARN_BELOW_S = 24 * 3600;

interface UpkeepParts {
  catalog: OpenCatalog;
  queues: Queues;
}

/** Starts the duties; each repeats after it has ended, so that a slow one never overlaps itself. */
export function startUpkeep(app: App, { catalog, queues }: UpkeepParts): { stop(): Promise<void> } {
  const over = new AbortController();
  const duties = [
    every(app, { name: "heartbeat", signal: over.signal, everyMs: () => HEARTBEAT_MS, work: () => catalog.beat() }),
    every(app, {
      name: "compare",
      signal: over.signal,
      everyMs: comparePause,
      work: () => compare(app, { catalog, queues }),
    }),
    every(app, {
      name: "warn",
      signal: over.signal,
      everyMs: () => WARN_EVERY_MS,
      work: async () => warn(app, catalog),
    }),
    sweepSpool(app, catalog).catch((error) => app.log.warn({ error: toMessage(error) }, "cannot sweep the spool")),
  ];
  return {
    stop: async () => {
      over.abort();
      await Promise.all(duties);
    },
  };
}

interface Duty {
  name: string;
  signal: AbortSignal;
  everyMs(tookMs: number): number;
  work(): Promise<unknown>;
}

async function every(app: App, duty: Duty): Promise<void> {
  while (!duty.signal.aborted) {
    const begun = app.clock.now();
    await duty
      .work()
      .catch((error) => app.log.warn({ duty: duty.name, error: toMessage(error) }, "upkeep failed; it is tried again"));
    await app.clock.sleep(duty.everyMs(app.clock.now() - begun), duty.signal);
  }
}

function comparePause(tookMs: number): number {
  return Math.max(COMPARE_EVERY_MS, tookMs * COMPARE_SHARE);
}

/** Puts back into the queues what the catalog knows as unfinished and they do not hold. */
async function compare(app: App, { catalog, queues }: UpkeepParts): Promise<void> {
  await catalog.settleAllDeadCalls();
  let lost = 0;
  for (const page of catalog.listUnfinished()) lost += await reconcile(queues, page);
  if (lost > 0) app.log.warn({ jobs: lost }, "put back jobs that Redis had lost");
  await sealEnded(app, { catalog, queues });
}

// requests that ended while the store was away still owe it their sidecar
async function sealEnded(app: App, { catalog, queues }: UpkeepParts): Promise<void> {
  const archiveQueue = createArchiveQueue(queues.archive, app.settings.redisUrl);
  for (const request_id of catalog.listUnsealed())
    await archiveQueue.add({ request_id, expiresAt: null, purpose: "end" });
}

function warn(app: App, catalog: OpenCatalog): void {
  const seconds = catalog.secondsToNearestLoss();
  if (seconds === null || seconds >= WARN_BELOW_S) return;
  const left = seconds > 0 ? `in ${showDuration(seconds * 1000)}` : "now";
  app.log.warn({ seconds_to_nearest_loss: seconds }, `the URL of an image that is not archived dies ${left}`);
}

// a kill between "archived" and "tidy" leaves bytes behind that nobody needs any more
async function sweepSpool(app: App, catalog: OpenCatalog): Promise<void> {
  const spool = createSpoolOf(app.settings);
  for (const name of await spool.list()) {
    if (catalog.isSpoolFileDone(name)) await spool.remove(name);
  }
}
