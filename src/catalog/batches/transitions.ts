// When a batch is finished, and how it comes to life again. Decided inside the transaction that ends a request: exactly once.

import type { RequestState } from "../../domain/records.ts";
import type { CatalogContext } from "../context.ts";
import { and, eq, inArray, isNotNull, isNull, ne } from "../db/orm.ts";
import { param, prepared } from "../db/prepared.ts";
import { batches } from "../schema/batches.ts";
import { requests } from "../schema/requests.ts";

/** A parked request waits for a person, whom the report tells: it must not keep the report from being written. */
const UNFINISHED: RequestState[] = ["queued", "generating", "copying"];

/** Finishes a batch whose manifest has been read and whose items have all ended; returns whether it was this call that did. */
export function settleBatch(context: CatalogContext, batchId: string): boolean {
  if (selectUnfinished(context.db).get({ batchId }) !== undefined) return false;
  const batch = context.reader.batch(batchId);
  if (batch === undefined || batch.state === "enqueuing" || batch.finished_at !== null) return false;
  const finished = context.db
    .update(batches)
    .set({ state: batch.state === "cancelled" ? "cancelled" : "finished", finished_at: context.now() })
    .where(and(eq(batches.batch_id, batchId), isNull(batches.finished_at)))
    .run();
  return finished.changes === 1;
}

const selectUnfinished = prepared((db) =>
  db
    .select({ request_id: requests.request_id })
    .from(requests)
    .where(and(eq(requests.batch_id, param("batchId")), inArray(requests.state, UNFINISHED)))
    .prepare(),
);

/** A finished batch with an item that is tried again runs again, and will be reported again. */
export function reopenBatch(context: CatalogContext, batchId: string | null): void {
  if (batchId === null) return;
  context.db
    .update(batches)
    .set({ state: "running", finished_at: null })
    .where(and(eq(batches.batch_id, batchId), isNotNull(batches.finished_at)))
    .run();
}

/** Nothing new of it is started from now on. What is paid for is finished. False where it had ended already. */
export function cancelBatch(context: CatalogContext, batchId: string): boolean {
  const changed = context.db
    .update(batches)
    .set({ state: "cancelled" })
    .where(and(eq(batches.batch_id, batchId), isNull(batches.finished_at), ne(batches.state, "cancelled")))
    .run();
  settleBatch(context, batchId);
  return changed.changes === 1;
}
