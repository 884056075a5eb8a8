// What must always be true of a catalog, asked of its rows: what `doctor --deep` and the crash test print as figures.

import type { CatalogContext } from "../context.ts";
import { sql } from "../db/orm.ts";

/** Each is 0, or the number of breaches; the ids of some of them are beside it. */
export interface Invariants {
  /** Archived requests with fewer archived images than they asked for. */
  incomplete: Breach;
  /** Calls made although all images of their request had been answered before. */
  answered_calls_repeated: Breach;
  /** Calls that are `sent` although their worker is dead: the next worker to start makes them `unknown`. */
  calls_of_dead_workers: Breach;
  /** Images that are not archived and whose bytes should lie in the spool: file names. */
  spooled: string[];
}

export interface Breach {
  number: number;
  examples: string[];
}

const EXAMPLES_MAX = 10;

export function readInvariants(context: CatalogContext): Invariants {
  return {
    incomplete: toBreach(incompleteIds(context)),
    answered_calls_repeated: toBreach(repeatedIds(context)),
    calls_of_dead_workers: toBreach(deadIds(context)),
    spooled: spooledFiles(context),
  };
}

function toBreach(ids: string[]): Breach {
  return { number: ids.length, examples: ids.slice(0, EXAMPLES_MAX) };
}

function incompleteIds(context: CatalogContext): string[] {
  const rows = context.db.all<{ id: string }>(sql`
    select r.request_id as id from requests r where r.state = 'archived'
    and (select count(*) from images i where i.request_id = r.request_id and i.digest is not null) < r.n`);
  return rows.map(({ id }) => id);
}

// A call is a repeat when, at the moment it was sent, the answers committed before it had brought all n images. Images
// that a person's retry has forgotten because their URLs were dead are no longer there, so that paying again is no breach.
function repeatedIds(context: CatalogContext): string[] {
  const rows = context.db.all<{ id: string }>(sql`
    select b.request_id as id from calls b join requests r on r.request_id = b.request_id
    where b.number > 1 and r.n <= (
      select count(*) from images i
      join calls a on a.request_id = i.request_id and a.number = i.call_number
      where i.request_id = b.request_id and a.number < b.number and a.state = 'answered' and a.ended_at <= b.sent_at)`);
  return rows.map(({ id }) => id);
}

function deadIds(context: CatalogContext): string[] {
  const rows = context.db.all<{ id: string; worker_id: string }>(
    sql`select request_id as id, worker_id from calls where state = 'sent'`,
  );
  return rows.filter(({ worker_id }) => !context.isWorkerAlive(worker_id)).map(({ id }) => id);
}

function spooledFiles(context: CatalogContext): string[] {
  const rows = context.db.all<{ name: string }>(sql`
    select i.spool_file as name from images i join requests r on r.request_id = i.request_id
    where i.digest is null and i.spool_file is not null
    and r.state in ('queued', 'generating', 'copying', 'parked')`);
  return rows.map(({ name }) => name);
}
