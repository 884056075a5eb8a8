// The thread that moves commits from the write-ahead log into the catalog's file, while others go on committing. It holds
// nobody up, and nothing depends on it: a commit is durable in the log, and where this thread falls behind, the commit
// that makes the log too long moves the rest, as SQLite does by itself.
import { setTimeout as pause } from "node:timers/promises";
import { parentPort, workerData } from "node:worker_threads";
import Sqlite from "better-sqlite3";

/** So many pages of the log are moved at once: enough of them are the same page again to be worth waiting for. */
const PAGES = 1_000;

/** Between two looks while somebody commits, and while nobody does, in ms. */
const PAUSE_MS = 50;
const IDLE_PAUSE_MS = 500;

/** Between two looks where somebody reads what was there before, so that nothing may be moved, in ms. */
const HELD_PAUSE_MS = 1_000;

interface LogState {
  /** Pages in the log, and how many of them are in the file as well. */
  log: number;
  checkpointed: number;
}

const { file } = workerData as { file: string };
let log: Log | undefined;
let seen = 0;
const ended = new AbortController();
parentPort?.once("message", () => ended.abort());

while (!ended.signal.aborted) {
  const wait = pause(moveSome(), undefined, { signal: ended.signal });
  await wait.catch(() => undefined);
}
log?.close();

/** Moves what is there, if it is enough; returns how long to wait, in ms. */
function moveSome(): number {
  try {
    // what fails here, unheard, would end the process, and with it the jobs that do without this thread
    log ??= openLog();
    const before = log.look();
    const isIdle = before.log === seen;
    seen = before.log;
    if (before.log - before.checkpointed < PAGES) return isIdle ? IDLE_PAUSE_MS : PAUSE_MS;
    const after = log.move();
    return after.checkpointed > before.checkpointed ? PAUSE_MS : HELD_PAUSE_MS;
  } catch {
    // a full disk, a file that is being swapped: whoever commits meets it too, and says so
    return HELD_PAUSE_MS;
  }
}

interface Log {
  /** Moves nothing. */
  look(): LogState;
  /** Moves what nobody reads any more, and waits for nobody. */
  move(): LogState;
  close(): void;
}

function openLog(): Log {
  const sqlite = new Sqlite(file, { fileMustExist: true });
  try {
    // the log is on the disk before the file is touched, and the file before the log is written over
    sqlite.pragma("synchronous = FULL");
    const prepare = (mode: "NOOP" | "PASSIVE") => sqlite.prepare<[], LogState>(`pragma wal_checkpoint(${mode})`);
    const look = prepare("NOOP");
    const move = prepare("PASSIVE");
    const nothing = { log: 0, checkpointed: 0 };
    return { look: () => look.get() ?? nothing, move: () => move.get() ?? nothing, close: () => sqlite.close() };
  } catch (error) {
    sqlite.close();
    throw error;
  }
}
