// Which worker processes live: the difference between a call that is still out and one whose outcome nobody will learn.
import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";
import type { InferSelectModel } from "drizzle-orm";
import type { Db } from "./database.ts";
import { eq, lt } from "./orm.ts";
import { workers } from "./schema-workers.ts";

/** How often a worker says that it lives, and how long its word is believed on other machines, in ms. */
export const HEARTBEAT_MS = 10_000;
const BELIEVED_MS = 90_000;

/** Rows of workers that have been silent for so long are swept, in ms. */
const FORGOTTEN_MS = 30 * 24 * 3_600_000;

/** What tells one process from every other, on this machine and elsewhere. */
export interface ProcessIdentity {
  host: string;
  pid: number;
  pid_started: string;
}

/** This process. */
export function thisProcess(): ProcessIdentity {
  return { host: hostIdentity(), pid: process.pid, pid_started: startOf(process.pid) ?? "" };
}

/** Writes the row of a worker that starts. */
export function registerWorker(db: Db, worker: ProcessIdentity & { worker_id: string; now: number }): void {
  const { now, ...identity } = worker;
  db.delete(workers)
    .where(lt(workers.seen_at, now - FORGOTTEN_MS))
    .run();
  db.insert(workers)
    .values({ ...identity, started_at: now, seen_at: now })
    .run();
}

/** Renews the word of a worker. */
export function heartbeat(db: Db, workerId: string, now: number): void {
  db.update(workers).set({ seen_at: now }).where(eq(workers.worker_id, workerId)).run();
}

/**
 * Whether a worker lives. On the same machine the operating system knows at once; elsewhere its heartbeat is believed for
 * a while. A worker without a row never was one: dead.
 *
 * | same host | process with that pid and start | heartbeat | lives |
 * |---|---|---|---|
 * | yes | there | – | yes |
 * | yes | gone, or another one | – | no |
 * | no | – | young | yes |
 * | no | – | old | no |
 */
export function isWorkerAlive(db: Db, workerId: string, now: number): boolean {
  const row = db.select().from(workers).where(eq(workers.worker_id, workerId)).get();
  return row !== undefined && lives(row, now);
}

/** The ids of the workers that are known and live no longer. */
export function listDeadWorkers(db: Db, now: number): string[] {
  const rows = db.select().from(workers).all();
  return rows.filter((row) => !lives(row, now)).map((row) => row.worker_id);
}

/** The ids of the workers that live. */
export function listLiveWorkers(db: Db, now: number): string[] {
  const rows = db.select().from(workers).all();
  return rows.filter((row) => lives(row, now)).map((row) => row.worker_id);
}

function lives(row: InferSelectModel<typeof workers>, now: number): boolean {
  if (row.host !== hostIdentity()) return now - row.seen_at < BELIEVED_MS;
  const started = startOf(row.pid);
  return started !== undefined && started === row.pid_started;
}

let host: string | undefined;

// a pid means something only within one boot of one machine and one pid name space (containers share the first two)
function hostIdentity(): string {
  host ??= [hostname(), read("/proc/sys/kernel/random/boot_id"), link("/proc/self/ns/pid")].join("/");
  return host;
}

// Linux: field 22 of /proc/<pid>/stat, in clock ticks after boot; the name in field 2 may hold spaces. A zombie is dead.
function startOf(pid: number): string | undefined {
  const stat = read(`/proc/${pid}/stat`);
  if (stat === "") return process.platform === "linux" ? undefined : signalled(pid);
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return fields[0] === "Z" || fields[0] === "X" ? undefined : fields[19];
}

// elsewhere: the process is there or not; EPERM means there, and somebody else's
function signalled(pid: number): string | undefined {
  try {
    process.kill(pid, 0);
    return "";
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM" ? "" : undefined;
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return "";
  }
}

function link(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}
