// What people change after the fact: where requests belong, what is written about them, and whether they may go.
// The sidecar has to follow each change: `sidecar_at` is null until it has.

import { sidecarKey } from "../../domain/keys.ts";
import type { RequestState } from "../../domain/records.ts";
import type { CatalogContext } from "../context.ts";
import { type FileLock, takeFileLock } from "../db/file-lock.ts";
import { and, eq, inArray, isNull, lte, sql } from "../db/orm.ts";
import type { Write } from "../db/writer.ts";
import { queueMirror } from "../integrity/mirror.ts";
import { assets, images, requests } from "../schema/requests.ts";

/** A change of requests; what is left out stays. `note: null` takes the note away. */
export interface Edit {
  collection?: string | undefined;
  addTags?: readonly string[] | undefined;
  removeTags?: readonly string[] | undefined;
  note?: string | null | undefined;
}

/** What became of one request: changed, already so, not there, or not possible in its state. */
export type EditResult = "changed" | "unchanged" | "unknown" | RequestState;

/** Everything about changes afterwards. */
export interface RequestEdits {
  edit(requestId: string, edit: Edit): Promise<EditResult>;
  /** Asks for a deletion; bytes stay until `eraseAfter`. */
  delete(requestId: string, eraseAfter: number): Promise<EditResult>;
  undelete(requestId: string): Promise<EditResult | "erased">;
  listDueForErasure(): string[];
  /**
   * Leave to erase, which one at a time has: a removal that comes late would take bytes that somebody archived again after
   * another one's end. Undefined where somebody else has it for all of `waitMs`, for which the thread stands still.
   */
  lockErasure(options: { waitMs: number }): FileLock | undefined;
  /** The first half of an erasure, under the lock: resolves to the images whose bytes nobody else wants, and which answer nobody any more. */
  beginErasure(requestId: string): Promise<{ digest: string; key: string }[]>;
  /** The second half, once those bytes are gone: the request is a tombstone. */
  endErasure(requestId: string): Promise<void>;
  isErased(digest: string): boolean;
  /** Archived requests whose sidecars have to follow a change. */
  listStaleSidecars(): string[];
  markSidecarCurrent(requestId: string, updatedAt: number): Promise<void>;
}

export function createRequestEdits(context: CatalogContext, write: Write): RequestEdits {
  return {
    edit: (requestId, edit) => write(() => editRequest(context, requestId, edit)),
    delete: (requestId, eraseAfter) => write(() => deleteRequest(context, requestId, eraseAfter)),
    undelete: (requestId) => write(() => undeleteRequest(context, requestId)),
    listDueForErasure: () => listDueForErasure(context),
    lockErasure: (options) => takeFileLock(`${context.db.$client.name}.erasing`, options),
    beginErasure: (requestId) => write(() => beginErasure(context, requestId)),
    endErasure: (requestId) => write(() => endErasure(context, requestId)),
    isErased: (digest) => isErased(context, digest),
    listStaleSidecars: () => listToReseal(context),
    markSidecarCurrent: (requestId, updatedAt) => write(() => noteResealed(context, requestId, updatedAt)),
  };
}

function editRequest(context: CatalogContext, requestId: string, edit: Edit): EditResult {
  const row = context.reader.row(requestId);
  if (row === undefined) return "unknown";
  const collection = edit.collection ?? row.collection;
  const note = edit.note === undefined ? row.note : edit.note;
  const kept = row.tags.filter((tag) => !edit.removeTags?.includes(tag));
  const tags = [...new Set([...kept, ...(edit.addTags ?? [])])];
  if (collection === row.collection && note === row.note && JSON.stringify(tags) === JSON.stringify(row.tags))
    return "unchanged";
  change(context, requestId, { collection, note, tags });
  return "changed";
}

/** A request that still runs is cancelled first, so that nothing is paid for what nobody wants. */
const DELETABLE: readonly RequestState[] = ["archived", "failed", "parked", "cancelled"];

/**
 * Asks for the deletion of a request; until `eraseAfter` its bytes stay, and the asking can be taken back. Of two askings the
 * shorter grace counts.
 */
function deleteRequest(context: CatalogContext, requestId: string, eraseAfter: number): EditResult {
  const row = context.reader.row(requestId);
  if (row === undefined) return "unknown";
  if (!DELETABLE.includes(row.state)) return row.state;
  // asked once more, it can only go sooner
  if (row.erased_at !== null || (row.erase_after !== null && row.erase_after <= eraseAfter)) return "unchanged";
  change(context, requestId, { deleted_at: row.deleted_at ?? context.now(), erase_after: eraseAfter });
  return "changed";
}

/** Takes a deletion back; impossible once the bytes are gone. */
function undeleteRequest(context: CatalogContext, requestId: string): EditResult | "erased" {
  const row = context.reader.row(requestId);
  if (row === undefined) return "unknown";
  if (row.erased_at !== null) return "erased";
  if (row.deleted_at === null) return "unchanged";
  if (isErasureBegun(context, requestId)) return "erased";
  change(context, requestId, { deleted_at: null, erase_after: null });
  return "changed";
}

function change(context: CatalogContext, requestId: string, values: Partial<typeof requests.$inferInsert>): void {
  context.db
    .update(requests)
    .set({ ...values, updated_at: context.now(), sidecar_at: null })
    .where(eq(requests.request_id, requestId))
    .run();
}

/** Requests whose time of grace is over: a page of ids. */
function listDueForErasure(context: CatalogContext): string[] {
  return context.db
    .select({ id: requests.request_id })
    .from(requests)
    .where(and(lte(requests.erase_after, context.now()), isNull(requests.erased_at)))
    .limit(PAGE)
    .all()
    .map((row) => row.id);
}

const PAGE = 100;

/**
 * Marks the images whose bytes nobody else wants, if the grace is over, and returns them: now, and again after a kill, until
 * `endErasure`. In between nobody can take the deletion back or record the same bytes anew (see `recordAsset`).
 */
function beginErasure(context: CatalogContext, requestId: string): { digest: string; key: string }[] {
  if (!isDue(context, requestId)) return [];
  const own = context.db.all<{ digest: string; key: string }>(sql`select distinct a.digest, a.key
    from ${images} i join ${assets} a on a.asset_id = i.asset_id
    where i.request_id = ${requestId} and not exists (
      select 1 from ${images} o join ${requests} r on r.request_id = o.request_id
      where o.asset_id = a.asset_id and r.request_id <> ${requestId} and r.erased_at is null)`);
  const digests = own.map(({ digest }) => digest);
  if (digests.length > 0)
    context.db
      .update(assets)
      .set({ erased_at: context.now() })
      .where(and(inArray(assets.digest, digests), isNull(assets.erased_at)))
      .run();
  return own;
}

function endErasure(context: CatalogContext, requestId: string): void {
  if (isDue(context, requestId)) change(context, requestId, { erased_at: context.now() });
}

function isDue(context: CatalogContext, requestId: string): boolean {
  const row = context.reader.row(requestId);
  return row !== undefined && row.erased_at === null && row.erase_after !== null && row.erase_after <= context.now();
}

function isErasureBegun(context: CatalogContext, requestId: string): boolean {
  const begun = context.db.get<unknown>(sql`select 1 from ${images} i join ${assets} a on a.asset_id = i.asset_id
    where i.request_id = ${requestId} and a.erased_at is not null`);
  return begun !== undefined;
}

/** Whether an asset's bytes are still unwanted: somebody may have archived the same ones again meanwhile. */
export function isErased(context: CatalogContext, digest: string): boolean {
  const row = context.db.select({ at: assets.erased_at }).from(assets).where(eq(assets.digest, digest)).get();
  return row !== undefined && row.at !== null;
}

/** Ended requests that were changed and whose sidecars have not followed yet: a page of ids. */
function listToReseal(context: CatalogContext): string[] {
  // by itself SQLite would go through all that are archived
  return context.db
    .all<{ id: string }>(sql`select request_id as id from ${requests} indexed by requests_to_seal
    where state = 'archived' and sidecar_at is null order by updated_at limit ${PAGE}`)
    .map((row) => row.id);
}

/** The sidecar equals the record as it was at `updatedAt`; a record changed since then has to be written again. */
function noteResealed(context: CatalogContext, requestId: string, updatedAt: number): void {
  context.db
    .update(requests)
    .set({ sidecar_at: context.now() })
    .where(and(eq(requests.request_id, requestId), eq(requests.updated_at, updatedAt)))
    .run();
  const row = context.reader.row(requestId);
  if (row !== undefined) queueMirror(context, { key: sidecarKey(row), digest: null, request_id: requestId });
}
