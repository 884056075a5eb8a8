// Which images have their bytes in the spool, and which of its files nobody needs any more.
import type { Call } from "../pipeline/records.ts";
import { ANSWER_FILE } from "./calls.ts";
import { and, eq, isNull } from "./orm.ts";
import type { Parts } from "./parts.ts";
import { given, prepared } from "./prepared.ts";
import { calls, images, requests } from "./schema.ts";

/** Bytes of an image are in the spool now: its URL may die. */
export function noteSpooled(parts: Parts, image: { request_id: string; index: number }, spoolFile: string): void {
  setSpooled(parts.db).run({ requestId: image.request_id, index: image.index, spoolFile });
}

const setSpooled = prepared((db) =>
  db
    .update(images)
    .set({ spool_file: given("spoolFile") })
    .where(and(eq(images.request_id, given("requestId")), eq(images.index, given("index")), isNull(images.digest)))
    .prepare(),
);

/**
 * Whether nobody needs this spool file any more: its image is archived, or it belongs to an answer that
 * was never committed and whose worker is dead. A living worker may be just about to commit it.
 */
export function isSpoolFileDone(parts: Parts, name: string): boolean {
  if (ANSWER_FILE.test(name)) return isAnswerFileDone(parts, name);
  // <request_id>.<call>.<index>, and a request id may hold dots of its own
  const [, request_id = "", number, index] = /^(.+)\.(\d+)\.(\d+)$/.exec(name) ?? [];
  const image = parts.db
    .select({ digest: images.digest, spool_file: images.spool_file })
    .from(images)
    .where(and(eq(images.request_id, request_id), eq(images.index, Number(index))))
    .get();
  if (image?.spool_file === name) return image.digest !== null;
  return isAnswerLost(parts, { request_id, number: Number(number) });
}

/** An answer that could not be read is kept until it has been read, or its request's bytes were removed. */
function isAnswerFileDone(parts: Parts, name: string): boolean {
  const [, request_id = "", number] = ANSWER_FILE.exec(name) ?? [];
  const row = parts.db
    .select({ state: calls.state, erased_at: requests.erased_at })
    .from(calls)
    .innerJoin(requests, eq(requests.request_id, calls.request_id))
    .where(and(eq(calls.request_id, request_id), eq(calls.number, Number(number))))
    .get();
  return row?.state === "answered" || (row?.erased_at ?? null) !== null;
}

function isAnswerLost(parts: Parts, { request_id, number }: Pick<Call, "request_id" | "number">): boolean {
  const call = parts.db
    .select({ worker_id: calls.worker_id, state: calls.state })
    .from(calls)
    .where(and(eq(calls.request_id, request_id), eq(calls.number, number)))
    .get();
  return call?.state === "unknown" && !parts.isWorkerAlive(call.worker_id);
}
