// What the webhook of a batch still has to hear: the last rest that was reported. One process tries at a time.
import { and, eq, isNotNull, isNull, lte, or, sql } from "./orm.ts";
import type { Parts } from "./parts.ts";
import { batches } from "./schema-batches.ts";
import type { Write } from "./writer.ts";

/** As a condition: there is a webhook, and it does not know of the last report. */
export const isUntold = and(
  isNotNull(batches.webhook_url),
  isNotNull(batches.reported),
  sql`${batches.told} is not ${batches.reported}`,
);

export interface Telling {
  /** Leave to tell a webhook of the last report until `until`, and the number of this try; undefined where it is not due. */
  claimTelling(batchId: string, until: number): Promise<number | undefined>;
  /** Its webhook knows of this rest, or has been given up. */
  noteTold(batchId: string, rest: string): Promise<void>;
  /** Its webhook is owed the last report again, with all tries. */
  resend(batchId: string): Promise<void>;
  /** When the webhook may be tried again. */
  tellAt(batchId: string, at: number): Promise<void>;
}

export function createTelling(parts: Parts, write: Write): Telling {
  const change = (batchId: string, values: Partial<typeof batches.$inferInsert>) =>
    write(() => void parts.db.update(batches).set(values).where(eq(batches.batch_id, batchId)).run());
  return {
    claimTelling: (batchId, until) => write(() => claim(parts, batchId, until)),
    noteTold: (batchId, rest) => change(batchId, { told: rest, tell_at: null }),
    resend: (batchId) => change(batchId, { told: null, tell_attempts: 0, tell_at: null }),
    tellAt: (batchId, at) => change(batchId, { tell_at: at }),
  };
}

function claim(parts: Parts, batchId: string, until: number): number | undefined {
  const isDue = or(isNull(batches.tell_at), lte(batches.tell_at, parts.now()));
  return parts.db
    .update(batches)
    .set({ tell_at: until, tell_attempts: sql`${batches.tell_attempts} + 1` })
    .where(and(eq(batches.batch_id, batchId), isUntold, isDue))
    .returning({ attempt: batches.tell_attempts })
    .get()?.attempt;
}
