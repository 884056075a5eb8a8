// When a batch has come to rest, so that its report is due. Pure over the record.
import type { OpenCatalog } from "../../catalog/catalog.ts";
import { type Batch, holdOf } from "../../domain/batch.ts";
import type { HoldReason } from "../../domain/records.ts";

/** Why nothing of a batch moves, or null: as `holdOf`, and "budget" too where what is left of it is too little for any item. */
export function getHoldReason(
  batch: Batch,
  { catalog, now }: { catalog: OpenCatalog; now: number },
): HoldReason | null {
  if (batch.finished_at !== null) return null;
  const hold = holdOf(batch, { now, images: 1 });
  if (hold !== null || batch.max_images === null) return hold;
  return catalog.batches.isBudgetExhausted(batch.batch_id) ? "budget" : null;
}

/**
 * The name of the rest that a batch is in, or null while it moves. Each is reported once.
 *
 * | batch | rest |
 * |---|---|
 * | every item has ended | finished:<when> |
 * | the window is closed, what was under way has ended, something was done | window:<when it opens> |
 * | the budget is used up, what was under way has ended | budget:<how high it is> |
 * | anything else (a pause is a person's doing, who knows) | none |
 */
export function reportKeyFor(batch: Batch, { catalog, now }: { catalog: OpenCatalog; now: number }): string | null {
  if (batch.finished_at !== null) return `finished:${batch.finished_at}`;
  if (batch.state !== "running") return null;
  const hold = getHoldReason(batch, { catalog, now });
  if (hold !== "window" && hold !== "budget") return null;
  if (batch.committed_images === 0 || catalog.batches.hasWorkInFlight(batch.batch_id)) return null;
  return hold === "window" ? `window:${batch.opens_at}` : `budget:${batch.max_images}`;
}
