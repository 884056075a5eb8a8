// What a worker does besides its jobs: says that it lives, takes over from the dead, puts back what Redis lost, warns of
// losses that come near.
import { setImmediate } from "node:timers/promises";
import { createActivity } from "../app/activity.ts";
import { type App, createSpoolOf } from "../app/app.ts";
import { isForeignInstallation, requireOwnQueues } from "../app/installation.ts";
import { HEARTBEAT_MS } from "../catalog/calls/workers.ts";
import type { OpenCatalog } from "../catalog/catalog.ts";
import { startCheckpointer } from "../catalog/db/checkpointer.ts";
import { closeAll, closeTogether } from "../domain/close-all.ts";
import { type ConfigError, toMessage } from "../domain/errors.ts";
import { formatDuration } from "../domain/units.ts";
import { STORE_RETRY_MS, type StoreGuard } from "../pipeline/store-guard.ts";
import { createArchiveQueue } from "../queue/archive-jobs.ts";
import { reached } from "../queue/connection.ts";
import type { Queues } from "../queue/queues.ts";
import { reconcile } from "../queue/reconcile.ts";
import { reconcileWebhooks } from "../queue/webhook-jobs.ts";
import { createArchiveMaintenance, runMirrorMaintenance } from "./archive.ts";
import { createBatchMaintenance } from "./batches.ts";

/** The catalog and the queues are compared this often, in ms, and never for more than a twentieth of the time. */
const COMPARE_EVERY_MS = 30_000;
const COMPARE_SHARE = 20;

/** Who has died since is looked for this often, in ms: their jobs would else lie idle until their locks run out. */
const REAP_INTERVAL_MS = 5_000;

/** Batches are looked after this often, in ms: so late a window opens or a report comes at most. */
const BATCH_CARE_EVERY_MS = 3_000;

/** The words of new prompts are put into the full-text index this often, in ms. */
const INDEX_EVERY_MS = 3_000;

/** Reproductions, changed sidecars, due deletions and second copies are looked for this often, in ms. */
const ARCHIVE_CARE_EVERY_MS = 3_000;

/** How often the queues are checked to belong to this installation still, in ms. */
const OWNER_CHECK_EVERY_MS = 10_000;

const WARN_EVERY_MS = 60_000;
const WARN_BELOW_S = 24 * 3600;

/** What was done is looked at this often, in ms; how often it is said grows with the time that work goes on. */
const ACTIVITY_EVERY_MS = 60_000;

interface UpkeepParts {
  catalog: OpenCatalog;
  queues: Queues;
}

export interface UpkeepOptions extends UpkeepParts {
  /** Called when another installation has taken over the queues. */
  onDisplaced(error: ConfigError): void;
  storeGuard: StoreGuard;
}

/** Starts the duties; each repeats after it has ended, so that a slow one never overlaps itself. */
export function startMaintenance(
  app: App,
  { catalog, queues, storeGuard, onDisplaced }: UpkeepOptions,
): { stop(): Promise<void> } {
  const stopping = new AbortController();
  const recorder = app.recorder();
  const checkpointer = startCheckpointer(app.settings.catalogFile);
  const bury = createDeadWorkerReaper(app, { catalog, queues });
  const batchCare = createBatchMaintenance(app);
  const careForArchive = createArchiveMaintenance(app);
  const beginNow = (name: string) => duties.find((duty) => duty.name === name)?.now();
  const compareNow = () => beginNow("compare");
  const care = async () => {
    // what a held batch let go is put back by the comparison
    if (await batchCare.run()) compareNow();
  };
  const warnOfLoss = createLossWarning(app, catalog);
  const logActivity = createActivityLog(app, catalog);
  const duties = [
    repeat(app, { name: "heartbeat", everyMs: () => HEARTBEAT_MS, work: () => recorder.beat() }),
    repeat(app, {
      name: "owner",
      everyMs: () => OWNER_CHECK_EVERY_MS,
      work: () => checkOwner(app, { catalog, queues, onDisplaced }),
    }),
    repeat(app, { name: "store", everyMs: () => STORE_RETRY_MS, work: () => storeGuard.check() }),
    repeat(app, { name: "bury", everyMs: () => REAP_INTERVAL_MS, work: bury }),
    repeat(app, {
      name: "compare",
      everyMs: comparePause,
      work: (isOver) => compare(app, { catalog, queues, isOver }),
    }),
    repeat(app, { name: "batches", everyMs: () => BATCH_CARE_EVERY_MS, work: care }),
    repeat(app, { name: "index", everyMs: () => INDEX_EVERY_MS, work: () => recorder.indexTexts() }),
    repeat(app, {
      name: "archive",
      everyMs: () => ARCHIVE_CARE_EVERY_MS,
      work: () => careForArchive(stopping.signal),
    }),
    repeat(app, {
      name: "mirror",
      everyMs: () => ARCHIVE_CARE_EVERY_MS,
      work: () => runMirrorMaintenance(app, stopping.signal),
    }),
    repeat(app, { name: "warn", everyMs: () => WARN_EVERY_MS, work: async () => warnOfLoss() }),
    repeat(app, { name: "activity", everyMs: () => ACTIVITY_EVERY_MS, work: async () => logActivity() }),
  ];
  const swept = sweepSpool(app, catalog).catch((error) =>
    app.log.warn({ error: toMessage(error) }, "cannot sweep the spool"),
  );
  // a Redis that was away may have lost anything: that is the moment to compare, not half a minute later
  queues.onReturn(() => {
    beginNow("owner");
    compareNow();
  });
  return {
    stop: async () => {
      stopping.abort();
      const all = [() => swept, checkpointer.close, ...duties.map((duty) => duty.stop)];
      // after the rounds have ended, so that none begins another webhook
      await closeAll([() => closeTogether(all), batchCare.stop]);
    },
  };
}

// a Redis that was emptied is claimed again; one that another installation has claimed meanwhile is not ours any more
async function checkOwner(
  app: App,
  { catalog, queues, onDisplaced }: UpkeepParts & Pick<UpkeepOptions, "onDisplaced">,
): Promise<void> {
  const id = catalog.installationId();
  if (id === undefined) return;
  try {
    await requireOwnQueues(app.settings, { key: queues.installation, id });
  } catch (error) {
    if (!isForeignInstallation(error)) throw error;
    app.log.error({ code: error.code }, error.message);
    onDisplaced(error);
  }
}

interface Duty {
  name: string;
  everyMs(tookMs: number): number;
  /** Long work looks now and then whether it is over. */
  work(isOver: () => boolean): Promise<unknown>;
}

interface RunningDuty {
  name: string;
  /** Ends the pause; during the work it means: once more right after it. */
  now(): void;
  stop(): Promise<void>;
}

function repeat(app: App, duty: Duty): RunningDuty {
  let pause = new AbortController();
  let stopped = false;
  let failure = "";
  const ended = run();
  async function run(): Promise<void> {
    while (!stopped) {
      const begun = app.clock.now();
      await duty
        .work(() => stopped)
        .then(
          () => {
            failure = "";
          },
          (error) => {
            // one line for an outage, and one for each new kind of failure: not one for each round
            const isNews = !app.outages.note(error) && toMessage(error) !== failure;
            failure = toMessage(error);
            app.log[isNews ? "warn" : "debug"]({ duty: duty.name, error: failure }, "upkeep failed; it is tried again");
          },
        );
      await app.clock.sleep(duty.everyMs(app.clock.now() - begun), pause.signal);
      if (!stopped) pause = new AbortController();
    }
  }
  return {
    name: duty.name,
    now: () => pause.abort(),
    stop: () => {
      stopped = true;
      pause.abort();
      return ended;
    },
  };
}

function comparePause(tookMs: number): number {
  return Math.max(COMPARE_EVERY_MS, tookMs * COMPARE_SHARE);
}

/** Looks for workers that died since the last time: their calls become `unknown`, their jobs go back to the queues. */
function createDeadWorkerReaper(app: App, { catalog, queues }: UpkeepParts): () => Promise<void> {
  let buried = new Set<string>();
  return async () => {
    const dead = new Set(catalog.listDeadWorkers());
    if ([...dead].some((workerId) => !buried.has(workerId))) await bury(dead);
    buried = dead;
  };

  async function bury(dead: ReadonlySet<string>): Promise<void> {
    await app.recorder().settleAllDeadCalls();
    const jobs = await queues.reclaimJobs((workerId) => dead.has(workerId));
    if (jobs > 0) app.log.warn({ jobs }, "took over the jobs of a dead worker");
  }
}

/** Puts back into the queues what the catalog knows as unfinished and they do not hold. */
async function compare(app: App, { catalog, queues, isOver }: UpkeepParts & { isOver: () => boolean }): Promise<void> {
  await app.recorder().settleAllDeadCalls();
  let lost = 0;
  for (const page of catalog.listUnfinished()) {
    if (isOver()) return;
    // everything that waits takes its turn: nothing of a page may be for the queues, a thousand times in a row
    if (page.length === 0) await setImmediate();
    lost += await reached(app.settings.redisUrl, () => reconcile(queues, page));
  }
  for (const page of catalog.listPendingWebhooks())
    lost += await reached(app.settings.redisUrl, () => reconcileWebhooks(queues.webhook, page));
  if (lost > 0) app.log.warn({ jobs: lost }, "put back jobs that Redis had lost, or that a held batch had let go");
  await sealEnded(app, { catalog, queues });
}

// requests that ended while the store was away still owe it their sidecar
async function sealEnded(app: App, { catalog, queues }: UpkeepParts): Promise<void> {
  const archiveQueue = createArchiveQueue(queues.archive, app.settings.redisUrl);
  for (const page of catalog.listMissingSidecars()) {
    await setImmediate();
    for (const request_id of page) await archiveQueue.add({ request_id, expiresAt: null, purpose: "end" });
  }
}

/** Warns when a loss comes near, then each time that half of what was left has passed, and when it is averted. */
function createLossWarning(app: App, catalog: OpenCatalog): () => void {
  let warnedAt: number | undefined;
  return () => {
    const seconds = catalog.secondsToNearestLoss();
    if (seconds === null || seconds >= WARN_BELOW_S) {
      if (warnedAt !== undefined)
        app.log.info({ seconds_to_nearest_loss: seconds }, "no image is about to be lost any more");
      warnedAt = undefined;
      return;
    }
    if (warnedAt !== undefined && seconds > Math.max(0, warnedAt / 2)) return;
    if (warnedAt !== undefined && warnedAt <= 0) return;
    warnedAt = seconds;
    const left = seconds > 0 ? `in ${formatDuration(seconds * 1000)}` : "now";
    app.log.warn({ seconds_to_nearest_loss: seconds }, `the URL of an image that is not archived dies ${left}`);
  };
}

/** Says at info what was done, so that nothing of it has to be said for each request. */
function createActivityLog(app: App, catalog: OpenCatalog): () => void {
  const activity = createActivity();
  return () => {
    const line = activity(catalog.counts());
    if (line !== undefined) app.log.info(line.fields, line.message);
  };
}

// a kill between "archived" and "tidy" leaves bytes behind that nobody needs any more
async function sweepSpool(app: App, catalog: OpenCatalog): Promise<void> {
  const spool = createSpoolOf(app.settings);
  for (const name of await spool.list()) {
    if (catalog.isSpoolFileDone(name)) await spool.remove(name);
    else await catalog.adoptAnswerFile(name);
  }
}
