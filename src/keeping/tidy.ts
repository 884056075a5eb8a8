// What follows when people change requests afterwards: sidecars are written again, and bytes whose grace is over go.
import type { OpenCatalog } from "../catalog/catalog.ts";
import { toMessage } from "../errors.ts";
import { thumbnailKey } from "../pipeline/keys.ts";
import type { Log, Store } from "../pipeline/ports.ts";
import { putSidecar } from "../pipeline/sidecar.ts";

export interface TidyParts {
  catalog: OpenCatalog;
  store: Store;
  mirror: Store | undefined;
  log: Log;
  signal: AbortSignal;
}

/** Writes the sidecars of archived requests that were changed; resolves to how many. Any number of processes may do it. */
export async function resealChanged(parts: TidyParts): Promise<number> {
  let sealed = 0;
  while (!parts.signal.aborted) {
    const page = parts.catalog.tidy.listToReseal();
    const ends = await Promise.allSettled(page.map((id) => reseal(parts, id)));
    sealed += ends.filter((end) => end.status === "fulfilled").length;
    const failed = ends.find((end) => end.status === "rejected");
    if (failed !== undefined) parts.log.warn({ error: toMessage(failed.reason) }, "sidecars will be written later");
    if (page.length === 0 || failed !== undefined) break;
  }
  return sealed;
}

/** Writes the sidecar of one request as it stands now. */
export async function reseal(parts: Pick<TidyParts, "catalog" | "store" | "signal">, requestId: string): Promise<void> {
  const detail = await parts.catalog.find(requestId);
  if (detail === undefined) return;
  await putSidecar({ store: parts.store, detail, delivery: { signal: parts.signal } });
  await parts.catalog.tidy.noteResealed(requestId, detail.request.updated_at);
}

/** Erases what is due; resolves to how many images went. The rows stay as tombstones, and the sidecars say so. */
export async function eraseDue(parts: TidyParts): Promise<number> {
  let erased = 0;
  for (const id of parts.catalog.tidy.listDueForErasure()) {
    if (parts.signal.aborted) break;
    // first the row: from then on no other request is answered with these bytes
    for (const asset of await parts.catalog.tidy.erase(id)) {
      await removeBytes(parts, asset);
      erased += 1;
    }
    parts.log.info({ request_id: id }, "erased, as was asked");
  }
  return erased;
}

async function removeBytes(
  { catalog, store, mirror, signal }: TidyParts,
  asset: { digest: string; key: string },
): Promise<void> {
  if (!catalog.tidy.isErased(asset.digest)) return;
  await store.delete(asset.key, { signal });
  await store.delete(thumbnailKey(asset.digest), { signal });
  await mirror?.delete(asset.key, { signal });
}
