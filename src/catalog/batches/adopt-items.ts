// A new night takes over what the earlier ones of its schedule have left unfinished.

import type { CatalogContext } from "../context.ts";
import { and, eq, inArray, isNull, sql } from "../db/orm.ts";
import { prepared } from "../db/prepared.ts";
import type { Write } from "../db/writer.ts";
import { batches } from "../schema/batches.ts";
import { settleBatch } from "./transitions.ts";

/** Items that are moved in one transaction: some 10 ms, and some 50 ms where the search knows their words already. */
const PAGE = 500;

/**
 * Moves what is unfinished in the earlier batches of a schedule into this one; resolves to how many. A page at a time, so that
 * others write meanwhile; whoever is killed in between and goes on with the batch moves the rest.
 */
export async function adoptItems(context: CatalogContext, write: Write, batchId: string): Promise<number> {
  const heir = context.reader.batch(batchId);
  if (heir === undefined || heir.schedule === null) return 0;
  const { schedule } = heir;
  let moved = 0;
  for (;;) {
    const page = await write(() => movePage(context, { batchId, schedule }));
    moved += page;
    if (page < PAGE) return moved;
  }
}

function movePage(context: CatalogContext, { batchId, schedule }: { batchId: string; schedule: string }): number {
  const others = context.db
    .select({ batch_id: batches.batch_id })
    .from(batches)
    // said twice: by the second SQLite finds them among thousands of nights that are over
    .where(
      and(
        eq(batches.schedule, schedule),
        inArray(batches.state, ["enqueuing", "running"]),
        isNull(batches.finished_at),
        // two nights that begin at once would else take from each other, page by page and for ever
        sql`(${batches.created_at}, batches.rowid) <
          (select heir.created_at, heir.rowid from ${batches} heir where heir.batch_id = ${batchId})`,
      ),
    )
    .all()
    .map((row) => row.batch_id);
  let moved = 0;
  for (const other of others) {
    moved += moveItems(context.db).run({ from: other, to: batchId, limit: PAGE - moved }).changes;
    if (moved === PAGE) return moved;
  }
  // nothing is left in them: this is the last page, and with it they end
  if (others.length > 0)
    context.db.update(batches).set({ state: "running" }).where(inArray(batches.batch_id, others)).run();
  for (const other of others) settleBatch(context, other);
  return moved;
}

const moveItems = prepared(({ $client: sqlite }) =>
  sqlite.prepare(`update requests set batch_id = @to, batch_item = null, manifest_line = null where rowid in
    (select rowid from requests where batch_id = @from and state in ('queued', 'generating') limit @limit)`),
);
