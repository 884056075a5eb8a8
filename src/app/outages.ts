// What this process cannot reach or use just now: one line in the log when it goes away and one when it is back, however
// many jobs, connections and tries meet it meanwhile.
import { type Dependency, outageOf, toMessage } from "../domain/errors.ts";
import { formatDuration } from "../domain/units.ts";
import type { Clock, Log } from "../pipeline/ports.ts";

/** The words for each: when it goes away, what happens meanwhile, and when it is back. */
const WORDS: Readonly<Record<Dependency, { away: string; meanwhile: string; back: string }>> = {
  redis: {
    away: "Redis is away",
    meanwhile: "no jobs are taken or added; what is accepted is on record in the catalog",
    back: "Redis is back",
  },
  store: {
    away: "the store cannot be used",
    meanwhile: "images wait to be copied and are tried again",
    back: "the store can be used again",
  },
  mirror: {
    away: "the mirror cannot be used",
    meanwhile: "second copies wait; nothing else does",
    back: "the mirror can be used again",
  },
  catalog: {
    away: "the catalog cannot be written",
    meanwhile: "no new calls are made; answers that are paid for are held in memory and recorded as soon as it can",
    back: "the catalog can be written again",
  },
  spool: {
    away: "the spool cannot be written",
    meanwhile: "answers that are paid for are held in memory until it can",
    back: "the spool can be written again",
  },
  api: {
    away: "the image API cannot be used",
    meanwhile: "calls wait and are tried again; images that are paid for are still copied",
    back: "the image API answers again",
  },
};

/** Something that works must go on working for so long before it counts as back, in ms: half a store is no store. */
const SETTLE_MS = 3_000;

/** That something can be read proves nothing where it could not be written: a full disk answers every question. */
export type Use = "read" | "write";

export interface Outages {
  /** It failed, for this reason. Logged when it is news. */
  failed(what: Dependency, reason: string, by?: Use): void;
  /** It worked. Logged, after some seconds without a failure, where it was away. */
  worked(what: Dependency, by?: Use): void;
  /** Notes an error that means an outage; false for every other. `what` where the error's own code says less. */
  note(error: unknown, options?: { what?: Dependency; by?: Use }): boolean;
  /** What is away now. */
  list(): Dependency[];
  /** Says what is back already, and stops the timers. */
  close(): void;
}

interface Outage {
  since: number;
  /** Whether a write failed since one worked. */
  unwritable: boolean;
  /** When it worked first after the last failure. */
  workedAt?: number | undefined;
  timer?: NodeJS.Timeout | undefined;
}

/** Nothing is away at first. */
export function createOutages({ log, clock }: { log: Log; clock: Pick<Clock, "now"> }): Outages {
  const away = new Map<Dependency, Outage>();

  function failed(what: Dependency, reason: string, by: Use = "read"): void {
    const known = away.get(what);
    if (known !== undefined) {
      clearTimeout(known.timer);
      Object.assign(known, { workedAt: undefined, timer: undefined });
      known.unwritable ||= by === "write";
      return;
    }
    away.set(what, { since: clock.now(), unwritable: by === "write" });
    const words = WORDS[what];
    log.warn({ what, reason }, `${words.away}: ${reason}. Until it is back ${words.meanwhile}`);
  }

  function worked(what: Dependency, by: Use = "read"): void {
    const known = away.get(what);
    if (known === undefined || known.timer !== undefined || (known.unwritable && by === "read")) return;
    known.unwritable = false;
    known.workedAt = clock.now();
    known.timer = setTimeout(() => end(what), SETTLE_MS);
    known.timer.unref();
  }

  function end(what: Dependency): void {
    const known = away.get(what);
    if (known?.workedAt === undefined) return;
    clearTimeout(known.timer);
    away.delete(what);
    const ms = Math.max(0, known.workedAt - known.since);
    log.info({ what, away_ms: ms }, `${WORDS[what].back}, after ${formatDuration(ms)}`);
  }

  return {
    failed,
    worked,
    note: (error, { what, by } = {}) => {
      const own = outageOf(error);
      if (own === undefined) return false;
      failed(what ?? own, toMessage(error), by);
      return true;
    },
    list: () => [...away.keys()],
    close: () => {
      for (const what of [...away.keys()]) end(what);
      for (const { timer } of away.values()) clearTimeout(timer);
    },
  };
}

/** What is known of a port: what it leads to, and which of its methods write. All others read. */
export interface Watching {
  what: Dependency;
  writes(method: string): boolean;
}

/** The same port, whose failures and successes are noted. Only methods that give a promise say anything. */
export function watched<Port extends object>(port: Port, outages: Outages, { what, writes }: Watching): Port {
  const entries = Object.entries(port).map(([name, value]) => [
    name,
    isMethod(value) ? watchMethod(value, writes(name) ? "write" : "read") : value,
  ]);
  return Object.fromEntries(entries) as Port;

  function watchMethod(method: Method, by: Use): Method {
    return (...args) => {
      const result = method(...args);
      if (result instanceof Promise)
        result.then(
          () => outages.worked(what, by),
          (error) => void outages.note(error, { what, by }),
        );
      return result;
    };
  }
}

type Method = (...args: unknown[]) => unknown;

function isMethod(value: unknown): value is Method {
  return typeof value === "function";
}
