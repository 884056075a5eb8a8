// Which worker processes live: the difference between a call that is still out and one whose outcome nobody will learn.
import type { InferSelectModel } from "drizzle-orm";
import { VERSION } from "../../app/version.ts";
import type { Db } from "../db/database.ts";
import { eq, lt } from "../db/orm.ts";
import { workers } from "../schema/workers.ts";
import { hostNameOf, isProcessAlive, type ProcessIdentity } from "./process-identity.ts";

/** How often a worker writes its heartbeat, in ms. */
export const HEARTBEAT_MS = 10_000;

/** Rows of workers that have been silent for so long are swept, in ms. */
const FORGOTTEN_MS = 30 * 24 * 3_600_000;

/** How many jobs of each stage a worker takes at the same time. */
export interface WorkerConcurrency {
  generate: number;
  archive: number;
}

/** A worker process, as people see it. Times are ms since 1970. */
export interface WorkerRecord {
  id: string;
  /** The host's name. */
  host: string;
  pid: number;
  version: string;
  started_at: number;
  last_seen: number;
  /** `stopped` ended of its own accord; `dead` did not, and may have held jobs. */
  state: "alive" | "stopped" | "dead";
  concurrency: WorkerConcurrency;
}

/** Writes the row of a worker that starts. */
export function registerWorker(
  db: Db,
  worker: ProcessIdentity & {
    worker_id: string;
    now: number;
    concurrency: WorkerConcurrency;
    role?: "worker" | "server";
  },
): void {
  const { now, concurrency, ...identity } = worker;
  db.delete(workers)
    .where(lt(workers.seen_at, now - FORGOTTEN_MS))
    .run();
  db.insert(workers)
    .values({
      ...identity,
      version: VERSION,
      generate_concurrency: concurrency.generate,
      archive_concurrency: concurrency.archive,
      started_at: now,
      seen_at: now,
    })
    .run();
}

/** Renews the word of a worker. */
export function heartbeat(db: Db, workerId: string, now: number): void {
  db.update(workers).set({ seen_at: now }).where(eq(workers.worker_id, workerId)).run();
}

/** Records that a worker has ended of its own accord and holds nothing any more. */
export function markWorkerStopped(db: Db, workerId: string, now: number): void {
  db.update(workers).set({ seen_at: now, stopped_at: now }).where(eq(workers.worker_id, workerId)).run();
}

/** All workers on record (servers are none), the living first, then by their last sign of life. */
export function listWorkers(db: Db, now: number): WorkerRecord[] {
  const records = db
    .select()
    .from(workers)
    .where(eq(workers.role, "worker"))
    .all()
    .map((row) => toRecord(row, now));
  return records.sort((a, b) => Number(b.state === "alive") - Number(a.state === "alive") || b.last_seen - a.last_seen);
}

function toRecord(row: InferSelectModel<typeof workers>, now: number): WorkerRecord {
  const gone = row.stopped_at === null ? "dead" : "stopped";
  return {
    id: row.worker_id,
    host: hostNameOf(row.host),
    pid: row.pid,
    version: row.version,
    started_at: row.started_at,
    last_seen: row.seen_at,
    state: isProcessAlive(row, now) ? "alive" : gone,
    concurrency: { generate: row.generate_concurrency, archive: row.archive_concurrency },
  };
}

/**
 * Whether a worker lives. On the same host the operating system knows at once; elsewhere, and where a system cannot say
 * when a process started, its heartbeat is believed for a while. A worker without a row never was one: dead. So is one
 * that has said that it stopped.
 *
 * | same host | process with that pid | its start | heartbeat | lives |
 * |---|---|---|---|---|
 * | yes | gone | – | – | no |
 * | yes | there | the recorded one | – | yes |
 * | yes | there | another one: the pid was used again | – | no |
 * | yes | there | not known, then or now | young | yes |
 * | yes | there | not known, then or now | old | no |
 * | no | – | – | young | yes |
 * | no | – | – | old | no |
 */
export function isWorkerAlive(db: Db, workerId: string, now: number): boolean {
  const row = db.select().from(workers).where(eq(workers.worker_id, workerId)).get();
  return row !== undefined && isProcessAlive(row, now);
}

/** The ids of the workers that are known and live no longer. */
export function listDeadWorkers(db: Db, now: number): string[] {
  const rows = db.select().from(workers).all();
  return rows.filter((row) => !isProcessAlive(row, now)).map((row) => row.worker_id);
}

/** The ids of the workers that live. */
export function listLiveWorkers(db: Db, now: number): string[] {
  const rows = db.select().from(workers).all();
  return rows.filter((row) => isProcessAlive(row, now)).map((row) => row.worker_id);
}
