// What the webhook of a batch still has to hear: the last rest that was reported. One process tries at a time.

import type { CatalogContext } from "../context.ts";
import { and, eq, isNotNull, isNull, lte, or, sql } from "../db/orm.ts";
import type { Write } from "../db/writer.ts";
import { batches } from "../schema/batches.ts";

/** As a condition: there is a webhook, and it does not know of the last report. */
export const isNotificationPending = and(
  isNotNull(batches.webhook_url),
  isNotNull(batches.reported),
  sql`${batches.notified_key} is not ${batches.reported}`,
);

export interface BatchNotifications {
  /** Leave to tell a webhook of the last report until `until`, and the number of this try; undefined where it is not due. */
  claimNotification(batchId: string, until: number): Promise<number | undefined>;
  /** Its webhook knows of this rest, or has been given up. */
  markNotified(batchId: string, rest: string): Promise<void>;
  /** Its webhook is owed the last report again, with all tries. */
  resend(batchId: string): Promise<void>;
  /** When the webhook may be tried again. */
  scheduleRetry(batchId: string, at: number): Promise<void>;
}

export function createBatchNotifications(context: CatalogContext, write: Write): BatchNotifications {
  const change = (batchId: string, values: Partial<typeof batches.$inferInsert>) =>
    write(() => void context.db.update(batches).set(values).where(eq(batches.batch_id, batchId)).run());
  return {
    claimNotification: (batchId, until) => write(() => claim(context, batchId, until)),
    markNotified: (batchId, rest) => change(batchId, { notified_key: rest, notify_after: null }),
    resend: (batchId) => change(batchId, { notified_key: null, notify_attempts: 0, notify_after: null }),
    scheduleRetry: (batchId, at) => change(batchId, { notify_after: at }),
  };
}

function claim(context: CatalogContext, batchId: string, until: number): number | undefined {
  const isDue = or(isNull(batches.notify_after), lte(batches.notify_after, context.now()));
  return context.db
    .update(batches)
    .set({ notify_after: until, notify_attempts: sql`${batches.notify_attempts} + 1` })
    .where(and(eq(batches.batch_id, batchId), isNotificationPending, isDue))
    .returning({ attempt: batches.notify_attempts })
    .get()?.attempt;
}
