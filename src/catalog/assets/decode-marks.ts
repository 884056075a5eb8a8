// Marks on images that are being decoded: one that is still there when the image comes again says that the process died
// in between.

import type { CatalogContext } from "../context.ts";
import { and, eq, sql } from "../db/orm.ts";
import { param, prepared } from "../db/prepared.ts";
import { decodeMarks } from "../schema/requests.ts";

interface ImageId {
  request_id: string;
  index: number;
}

/** How often decoding began and was not seen to end. */
export function decodeAttempts(context: CatalogContext, { request_id, index }: ImageId): number {
  return selectAttempts(context.db).get({ requestId: request_id, index })?.attempts ?? 0;
}

const selectAttempts = prepared((db) =>
  db
    .select({ attempts: decodeMarks.attempts })
    .from(decodeMarks)
    .where(and(eq(decodeMarks.request_id, param("requestId")), eq(decodeMarks.index, param("index"))))
    .prepare(),
);

/** Decoding begins: committed before it does. */
export function markDecoding({ db }: CatalogContext, { request_id, index }: ImageId): void {
  db.insert(decodeMarks)
    .values({ request_id, index, attempts: 1 })
    .onConflictDoUpdate({
      target: [decodeMarks.request_id, decodeMarks.index],
      set: { attempts: sql`${decodeMarks.attempts} + 1` },
    })
    .run();
}

/** Decoding has ended, well or not, and the process lives. */
export function clearDecoding({ db }: CatalogContext, { request_id, index }: ImageId): void {
  db.delete(decodeMarks)
    .where(and(eq(decodeMarks.request_id, request_id), eq(decodeMarks.index, index)))
    .run();
}

/** A person wants all images of a request to be tried again. */
export function clearDecodingOf({ db }: CatalogContext, requestId: string): void {
  db.delete(decodeMarks).where(eq(decodeMarks.request_id, requestId)).run();
}
