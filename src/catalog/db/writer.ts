// Group commit: the writes of all jobs that come within one turn of the event loop share one durable transaction.
// Each write is atomic by itself (a savepoint): one that throws takes back its own rows and nobody else's.
import type Sqlite from "better-sqlite3";
import { isOfTheDatabase, toCatalogError } from "./sqlite-errors.ts";

/** Runs `work` inside the next transaction and resolves with its result once that is committed with synchronous=FULL. */
export type Write = <T>(work: () => T, options?: WriteOptions) => Promise<T>;

export interface WriteOptions {
  /** It writes many rows: it gets a transaction of its own, without a savepoint. */
  large?: boolean;
}

export interface Writer {
  write: Write;
  /** Commits what is waiting, at once. */
  flush(): void;
}

interface Waiting {
  large: boolean;
  /** As one of a group: a write that throws takes back its own rows only. */
  run(): void;
  /** As the only one of its transaction; throws what it throws. */
  alone(): void;
  settle(): void;
  fail(error: unknown): void;
}

/** So many writes share a transaction at most: about 10 ms of the event loop. */
const GROUP_LIMIT = 250;

export function createWriter(sqlite: Sqlite.Database, file: string): Writer {
  const waiting: Waiting[] = [];
  let scheduled = false;
  // inside a transaction, this one is a savepoint; made once, since making it costs more than running it
  const saved: Saved = sqlite.transaction((work: () => unknown) => work());

  const commit = sqlite.transaction((group: Waiting[]) => {
    // one that is alone needs no savepoint of its own: where it throws, the transaction is taken back. A savepoint around
    // many rows makes SQLite keep every page as it was before, and search through them for each further row
    if (group.length === 1) group[0]?.alone();
    else for (const one of group) one.run();
  });

  function flush(): void {
    scheduled = false;
    while (waiting.length > 0) {
      const group = waiting.splice(0, groupSize(waiting));
      try {
        // immediate: a deferred transaction that reads before it writes fails with SQLITE_BUSY, whatever the timeout
        commit.immediate(group);
        for (const one of group) one.settle();
      } catch (error) {
        for (const one of group) one.fail(toCatalogError(error, file));
      }
    }
  }

  function write<T>(work: () => T, { large = false }: WriteOptions = {}): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      waiting.push({ large, ...createWaiting(work, { saved, resolve, reject }) });
      if (scheduled) return;
      scheduled = true;
      setImmediate(flush);
    });
  }

  return {
    write,
    flush: () => {
      waiting.length > 0 && flush();
    },
  };
}

/** Runs `work`; where it throws, its rows are taken back and nobody else's. */
type Saved = (work: () => unknown) => unknown;

/** How many of those that wait come into the next transaction: those before a large one, or that one alone. */
function groupSize(waiting: readonly Waiting[]): number {
  const large = waiting.findIndex((one) => one.large);
  return large === -1 ? GROUP_LIMIT : Math.min(Math.max(large, 1), GROUP_LIMIT);
}

interface Ends<T> {
  saved: Saved;
  resolve(value: T): void;
  reject(error: unknown): void;
}

function createWaiting<T>(work: () => T, { saved, resolve, reject }: Ends<T>): Omit<Waiting, "large"> {
  let settle: () => void = () => reject(new Error("Bug: a write was committed that never ran"));
  return {
    alone: () => {
      const value = work();
      settle = () => resolve(value);
    },
    run: () => {
      try {
        const value = saved(work) as T;
        settle = () => resolve(value);
      } catch (error) {
        // A full disk or a failing one takes the whole transaction back, so it is no fault of this write alone; and what
        // came after it in this group would be written outside of any transaction.
        if (isOfTheDatabase(error)) throw error;
        settle = () => reject(error);
      }
    },
    settle: () => settle(),
    fail: reject,
  };
}
