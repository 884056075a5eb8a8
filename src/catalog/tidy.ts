// What people change after the fact: where requests belong, what is written about them, and whether they may go.
// The sidecar has to follow each change: `sidecar_at` is null until it has.

import { sidecarKey } from "../pipeline/keys.ts";
import type { RequestState } from "../pipeline/records.ts";
import { type FileLock, takeFileLock } from "./file-lock.ts";
import { queueMirror } from "./mirror.ts";
import { and, eq, inArray, isNull, lte, sql } from "./orm.ts";
import type { Parts } from "./parts.ts";
import { assets, images, requests } from "./schema.ts";
import type { Write } from "./writer.ts";

/** A change of requests; what is left out stays. `note: null` takes the note away. */
export interface Edit {
  collection?: string | undefined;
  addTags?: readonly string[] | undefined;
  removeTags?: readonly string[] | undefined;
  note?: string | null | undefined;
}

/** What became of one request: changed, already so, not there, or not possible in its state. */
export type Tidied = "changed" | "unchanged" | "unknown" | RequestState;

/** Everything about changes afterwards. */
export interface Tidy {
  edit(requestId: string, edit: Edit): Promise<Tidied>;
  /** Asks for a deletion; bytes stay until `eraseAfter`. */
  delete(requestId: string, eraseAfter: number): Promise<Tidied>;
  undelete(requestId: string): Promise<Tidied | "erased">;
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
  listToReseal(): string[];
  noteResealed(requestId: string, updatedAt: number): Promise<void>;
}

export function createTidy(parts: Parts, write: Write): Tidy {
  return {
    edit: (requestId, edit) => write(() => editRequest(parts, requestId, edit)),
    delete: (requestId, eraseAfter) => write(() => deleteRequest(parts, requestId, eraseAfter)),
    undelete: (requestId) => write(() => undeleteRequest(parts, requestId)),
    listDueForErasure: () => listDueForErasure(parts),
    lockErasure: (options) => takeFileLock(`${parts.db.$client.name}.erasing`, options),
    beginErasure: (requestId) => write(() => beginErasure(parts, requestId)),
    endErasure: (requestId) => write(() => endErasure(parts, requestId)),
    isErased: (digest) => isErased(parts, digest),
    listToReseal: () => listToReseal(parts),
    noteResealed: (requestId, updatedAt) => write(() => noteResealed(parts, requestId, updatedAt)),
  };
}

function editRequest(parts: Parts, requestId: string, edit: Edit): Tidied {
  const row = parts.reader.row(requestId);
  if (row === undefined) return "unknown";
  const collection = edit.collection ?? row.collection;
  const note = edit.note === undefined ? row.note : edit.note;
  const kept = row.tags.filter((tag) => !edit.removeTags?.includes(tag));
  const tags = [...new Set([...kept, ...(edit.addTags ?? [])])];
  if (collection === row.collection && note === row.note && JSON.stringify(tags) === JSON.stringify(row.tags))
    return "unchanged";
  change(parts, requestId, { collection, note, tags });
  return "changed";
}

/** A request that still runs is cancelled first, so that nothing is paid for what nobody wants. */
const DELETABLE: readonly RequestState[] = ["archived", "failed", "parked", "cancelled"];

/**
 * Asks for the deletion of a request; until `eraseAfter` its bytes stay, and the asking can be taken back. Of two askings the
 * shorter grace counts.
 */
function deleteRequest(parts: Parts, requestId: string, eraseAfter: number): Tidied {
  const row = parts.reader.row(requestId);
  if (row === undefined) return "unknown";
  if (!DELETABLE.includes(row.state)) return row.state;
  // asked once more, it can only go sooner
  if (row.erased_at !== null || (row.erase_after !== null && row.erase_after <= eraseAfter)) return "unchanged";
  change(parts, requestId, { deleted_at: row.deleted_at ?? parts.now(), erase_after: eraseAfter });
  return "changed";
}

/** Takes a deletion back; impossible once the bytes are gone. */
function undeleteRequest(parts: Parts, requestId: string): Tidied | "erased" {
  const row = parts.reader.row(requestId);
  if (row === undefined) return "unknown";
  if (row.erased_at !== null) return "erased";
  if (row.deleted_at === null) return "unchanged";
  if (isErasureBegun(parts, requestId)) return "erased";
  change(parts, requestId, { deleted_at: null, erase_after: null });
  return "changed";
}

function change(parts: Parts, requestId: string, values: Partial<typeof requests.$inferInsert>): void {
  parts.db
    .update(requests)
    .set({ ...values, updated_at: parts.now(), sidecar_at: null })
    .where(eq(requests.request_id, requestId))
    .run();
}

/** Requests whose time of grace is over: a page of ids. */
function listDueForErasure(parts: Parts): string[] {
  return parts.db
    .select({ id: requests.request_id })
    .from(requests)
    .where(and(lte(requests.erase_after, parts.now()), isNull(requests.erased_at)))
    .limit(PAGE)
    .all()
    .map((row) => row.id);
}

const PAGE = 100;

/**
 * Marks the images whose bytes nobody else wants, if the grace is over, and returns them: now, and again after a kill, until
 * `endErasure`. In between nobody can take the deletion back or record the same bytes anew (see `recordAsset`).
 */
function beginErasure(parts: Parts, requestId: string): { digest: string; key: string }[] {
  if (!isDue(parts, requestId)) return [];
  const own = parts.db.all<{ digest: string; key: string }>(sql`select distinct a.digest, a.key
    from ${images} i join ${assets} a on a.place = i.asset_place
    where i.request_id = ${requestId} and not exists (
      select 1 from ${images} o join ${requests} r on r.request_id = o.request_id
      where o.asset_place = a.place and r.request_id <> ${requestId} and r.erased_at is null)`);
  const digests = own.map(({ digest }) => digest);
  if (digests.length > 0)
    parts.db
      .update(assets)
      .set({ erased_at: parts.now() })
      .where(and(inArray(assets.digest, digests), isNull(assets.erased_at)))
      .run();
  return own;
}

function endErasure(parts: Parts, requestId: string): void {
  if (isDue(parts, requestId)) change(parts, requestId, { erased_at: parts.now() });
}

function isDue(parts: Parts, requestId: string): boolean {
  const row = parts.reader.row(requestId);
  return row !== undefined && row.erased_at === null && row.erase_after !== null && row.erase_after <= parts.now();
}

function isErasureBegun(parts: Parts, requestId: string): boolean {
  const begun = parts.db.get<unknown>(sql`select 1 from ${images} i join ${assets} a on a.place = i.asset_place
    where i.request_id = ${requestId} and a.erased_at is not null`);
  return begun !== undefined;
}

/** Whether an asset's bytes are still unwanted: somebody may have archived the same ones again meanwhile. */
export function isErased(parts: Parts, digest: string): boolean {
  const row = parts.db.select({ at: assets.erased_at }).from(assets).where(eq(assets.digest, digest)).get();
  return row !== undefined && row.at !== null;
}

/** Ended requests that were changed and whose sidecars have not followed yet: a page of ids. */
function listToReseal(parts: Parts): string[] {
  // by itself SQLite would go through all that are archived
  return parts.db
    .all<{ id: string }>(sql`select request_id as id from ${requests} indexed by requests_to_seal
    where state = 'archived' and sidecar_at is null order by updated_at limit ${PAGE}`)
    .map((row) => row.id);
}

/** The sidecar equals the record as it was at `updatedAt`; a record changed since then has to be written again. */
function noteResealed(parts: Parts, requestId: string, updatedAt: number): void {
  parts.db
    .update(requests)
    .set({ sidecar_at: parts.now() })
    .where(and(eq(requests.request_id, requestId), eq(requests.updated_at, updatedAt)))
    .run();
  const row = parts.reader.row(requestId);
  if (row !== undefined) queueMirror(parts, { key: sidecarKey(row), digest: null, request_id: requestId });
}
