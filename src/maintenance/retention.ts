// What follows when people change requests afterwards: sidecars are written again, and bytes whose grace is over go.
import type { OpenCatalog } from "../catalog/catalog.ts";
import { levelOf, toMessage } from "../domain/errors.ts";
import { thumbnailKey } from "../domain/keys.ts";
import type { Log, Store } from "../pipeline/ports.ts";
import { putSidecar } from "../pipeline/put-sidecar.ts";

export interface RetentionDeps {
  catalog: OpenCatalog;
  store: Store;
  mirror: Store | undefined;
  log: Log;
  signal: AbortSignal;
}

/** Writes the sidecars of archived requests that were changed; resolves to how many. Any number of processes may do it. */
export async function rewriteStaleSidecars(parts: RetentionDeps): Promise<number> {
  let sealed = 0;
  while (!parts.signal.aborted) {
    const page = parts.catalog.edits.listStaleSidecars();
    const ends = await Promise.allSettled(page.map((id) => rewriteSidecar(parts, id)));
    sealed += ends.filter((end) => end.status === "fulfilled").length;
    const failed = ends.find((end) => end.status === "rejected");
    if (failed !== undefined)
      parts.log[levelOf(failed.reason)]({ error: toMessage(failed.reason) }, "sidecars will be written later");
    if (page.length === 0 || failed !== undefined) break;
  }
  return sealed;
}

/** Writes the sidecar of one request as it stands now. */
export async function rewriteSidecar(
  parts: Pick<RetentionDeps, "catalog" | "store" | "signal">,
  requestId: string,
): Promise<void> {
  const detail = await parts.catalog.find(requestId);
  if (detail === undefined) return;
  await putSidecar({ store: parts.store, detail, delivery: { signal: parts.signal } });
  await parts.catalog.edits.markSidecarCurrent(requestId, detail.request.updated_at);
}

/**
 * Erases what is due; resolves to how many images went. The rows stay as tombstones, and the sidecars say so. What cannot be
 * removed now stays due. A kill at any moment is made good by the next round. Only one process erases at a time: where one
 * does already, nothing is done after `waitMs`.
 */
export async function eraseDue(parts: RetentionDeps, { waitMs } = { waitMs: 0 }): Promise<number> {
  const { edits } = parts.catalog;
  if (edits.listDueForErasure().length === 0) return 0;
  const lock = edits.lockErasure({ waitMs });
  if (lock === undefined) return 0;
  try {
    return await eraseAll(parts);
  } finally {
    lock.release();
  }
}

async function eraseAll(parts: RetentionDeps): Promise<number> {
  let erased = 0;
  for (;;) {
    const due = parts.catalog.edits.listDueForErasure();
    let failed = false;
    for (const id of due) {
      if (parts.signal.aborted) return erased;
      try {
        erased += await erase(parts, id);
      } catch (error) {
        failed = true;
        parts.log[levelOf(error)]({ request_id: id, error: toMessage(error) }, "not erased yet");
      }
    }
    if (due.length === 0 || failed) return erased;
  }
}

// first the images' rows, so that no other request is answered with these bytes; the request's own row when they are gone
async function erase({ catalog, store, mirror, log, signal }: RetentionDeps, requestId: string): Promise<number> {
  const own = await catalog.edits.beginErasure(requestId);
  for (const { digest, key } of own) {
    await store.delete(key, { signal });
    await store.delete(thumbnailKey(digest), { signal });
    await mirror?.delete(key, { signal });
  }
  await catalog.edits.endErasure(requestId);
  log.info({ request_id: requestId }, "erased, as was asked");
  return own.length;
}
