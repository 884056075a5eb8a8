// The budget of a batch: charged in the transaction that reserves a call, given back in the one that closes it unpaid.
// So the counter equals the sum over the rows of calls at every commit, whatever is killed, and however many workers there are.

import { describeHold, holdOf as holdOfBatch } from "../../domain/batch.ts";
import type { HoldReason } from "../../domain/records.ts";
import type { CatalogContext } from "../context.ts";
import { eq, sql } from "../db/orm.ts";
import { param, prepared } from "../db/prepared.ts";
import type { Write } from "../db/writer.ts";
import type { RequestRow } from "../requests/rows.ts";
import { batches } from "../schema/batches.ts";
import { requests } from "../schema/requests.ts";

/** A request whose batch is held now. */
export interface Held {
  kind: "held";
  reason: HoldReason;
  message: string;
}

/** Why this request may not call for `images` images now, because of its batch; it is then back in `queued`, with the reason noted. */
export function holdRequest(
  context: CatalogContext,
  row: Pick<RequestRow, "request_id" | "batch_id">,
  images: number,
): Held | undefined {
  const batch = row.batch_id === null ? undefined : context.reader.batch(row.batch_id);
  if (batch === undefined) return undefined;
  const reason = holdOfBatch(batch, { now: context.now(), images });
  if (reason === null) return undefined;
  const message = describeHold(batch, reason);
  // back to queued: a twin that waits for this one would else wait for as long as the hold lasts
  context.db
    .update(requests)
    .set({ state: "queued", error_code: `batch_${reason}`, error_message: message, updated_at: context.now() })
    .where(eq(requests.request_id, row.request_id))
    .run();
  return { kind: "held", reason, message };
}

/** The same for one that is only asked about: writes nothing unless it is held. */
export async function holdOf(
  context: CatalogContext,
  write: Write,
  { requestId, images }: { requestId: string; images: number },
): Promise<Held | undefined> {
  const row = context.reader.row(requestId);
  const batch = row?.batch_id ? context.reader.batch(row.batch_id) : undefined;
  if (row === undefined || batch === undefined) return undefined;
  if (holdOfBatch(batch, { now: context.now(), images }) === null) return undefined;
  return write(() => (isWaiting(context, requestId) ? holdRequest(context, row, images) : undefined));
}

// another worker may have taken it meanwhile
function isWaiting(context: CatalogContext, requestId: string): boolean {
  const state = context.reader.detail(requestId);
  const { request, calls = [] } = state ?? {};
  if (request?.state !== "queued" && request?.state !== "generating") return false;
  return calls.every((call) => call.state !== "sent");
}

/** Charges the images of a call that is about to be sent. */
export function charge(context: CatalogContext, batchId: string | null, images: number): void {
  if (batchId === null) return;
  addCommitted(context.db).run({ batchId, images });
}

const addCommitted = prepared((db) =>
  db
    .update(batches)
    .set({ committed_images: sql`${batches.committed_images} + ${param("images")}` })
    .where(eq(batches.batch_id, param("batchId")))
    .prepare(),
);

/** Gives back the images of a call that was not paid. */
export function refund(context: CatalogContext, call: { batch_id: string | null; n: number } | undefined): void {
  if (call !== undefined) charge(context, call.batch_id, -call.n);
}

/** As a condition on `requests` left-joined to `batches`: nothing holds this request. The same rule as `holdOf`. */
export function isNotHeld(now: number) {
  const lacking = sql`coalesce(${requests.n}, 1) - (select count(*) from images where images.request_id = ${requests.request_id})`;
  return sql`(${batches.batch_id} is null or not (
    ${batches.state} = 'cancelled' or ${batches.paused}
    or (${batches.opens_at} is not null and ${batches.opens_at} > ${now})
    or (${batches.closes_at} is not null and ${batches.closes_at} <= ${now})
    or (${batches.max_images} is not null and ${batches.committed_images} + ${lacking} > ${batches.max_images})))`;
}
