// When a batch is finished, and how it comes to life again. Decided inside the transaction that ends a request: exactly once.

import type { RequestState } from "../pipeline/records.ts";
import { and, eq, inArray, isNotNull, isNull, ne } from "./orm.ts";
import type { Parts } from "./parts.ts";
import { given, prepared } from "./prepared.ts";
import { requests } from "./schema.ts";
import { batches } from "./schema-batches.ts";

/** A parked request waits for a person, whom the report tells: it must not keep the report from being written. */
const UNFINISHED: RequestState[] = ["queued", "generating", "copying"];

/** Finishes a batch whose manifest has been read and whose items have all ended; returns whether it was this call that did. */
export function settleBatch(parts: Parts, batchId: string): boolean {
  if (selectUnfinished(parts.db).get({ batchId }) !== undefined) return false;
  const batch = parts.reader.batch(batchId);
  if (batch === undefined || batch.state === "enqueuing" || batch.finished_at !== null) return false;
  const finished = parts.db
    .update(batches)
    .set({ state: batch.state === "cancelled" ? "cancelled" : "finished", finished_at: parts.now() })
    .where(and(eq(batches.batch_id, batchId), isNull(batches.finished_at)))
    .run();
  return finished.changes === 1;
}

const selectUnfinished = prepared((db) =>
  db
    .select({ request_id: requests.request_id })
    .from(requests)
    .where(and(eq(requests.batch_id, given("batchId")), inArray(requests.state, UNFINISHED)))
    .prepare(),
);

/** A finished batch with an item that is tried again runs again, and will be reported again. */
export function reopenBatch(parts: Parts, batchId: string | null): void {
  if (batchId === null) return;
  parts.db
    .update(batches)
    .set({ state: "running", finished_at: null })
    .where(and(eq(batches.batch_id, batchId), isNotNull(batches.finished_at)))
    .run();
}

/** Nothing new of it is started from now on. What is paid for is finished. False where it had ended already. */
export function cancelBatch(parts: Parts, batchId: string): boolean {
  const changed = parts.db
    .update(batches)
    .set({ state: "cancelled" })
    .where(and(eq(batches.batch_id, batchId), isNull(batches.finished_at), ne(batches.state, "cancelled")))
    .run();
  settleBatch(parts, batchId);
  return changed.changes === 1;
}
