// Which images have their bytes in the spool, and which of its files nobody needs any more.
import type { Call } from "../../domain/records.ts";
import { ANSWER_FILE } from "../calls/calls.ts";
import type { CatalogContext } from "../context.ts";
import { and, eq, isNull } from "../db/orm.ts";
import { param, prepared } from "../db/prepared.ts";
import { calls, images, requests } from "../schema/requests.ts";

/** Bytes of an image are in the spool now: its URL may die. */
export function recordSpoolFile(
  context: CatalogContext,
  image: { request_id: string; index: number },
  spoolFile: string,
): void {
  setSpooled(context.db).run({ requestId: image.request_id, index: image.index, spoolFile });
}

const setSpooled = prepared((db) =>
  db
    .update(images)
    .set({ spool_file: param("spoolFile") })
    .where(and(eq(images.request_id, param("requestId")), eq(images.index, param("index")), isNull(images.digest)))
    .prepare(),
);

/**
 * Whether nobody needs this spool file any more: its image is archived, or it belongs to an answer that
 * was never committed and whose worker is dead. A living worker may be just about to commit it.
 */
export function isSpoolFileDone(context: CatalogContext, name: string): boolean {
  if (ANSWER_FILE.test(name)) return isAnswerFileDone(context, name);
  // <request_id>.<call>.<index>, and a request id may hold dots of its own
  const [, request_id = "", number, index] = /^(.+)\.(\d+)\.(\d+)$/.exec(name) ?? [];
  const image = context.db
    .select({ digest: images.digest, spool_file: images.spool_file })
    .from(images)
    .where(and(eq(images.request_id, request_id), eq(images.index, Number(index))))
    .get();
  if (image?.spool_file === name) return image.digest !== null;
  return isAnswerLost(context, { request_id, number: Number(number) });
}

/** An answer that could not be read is kept until it has been read, or its request's bytes were removed. */
function isAnswerFileDone(context: CatalogContext, name: string): boolean {
  const [, request_id = "", number] = ANSWER_FILE.exec(name) ?? [];
  const row = context.db
    .select({ state: calls.state, erased_at: requests.erased_at })
    .from(calls)
    .innerJoin(requests, eq(requests.request_id, calls.request_id))
    .where(and(eq(calls.request_id, request_id), eq(calls.number, Number(number))))
    .get();
  return row?.state === "answered" || (row?.erased_at ?? null) !== null;
}

function isAnswerLost(context: CatalogContext, { request_id, number }: Pick<Call, "request_id" | "number">): boolean {
  const call = context.db
    .select({ worker_id: calls.worker_id, state: calls.state })
    .from(calls)
    .where(and(eq(calls.request_id, request_id), eq(calls.number, number)))
    .get();
  return call?.state === "unknown" && !context.isWorkerAlive(call.worker_id);
}
