// Requests that ask for the recipe of another one again, and the proofs of what came: what is due, what is known, and
// which originals a sample may take.

import type { Likeness, Proof, RequestState } from "../../domain/records.ts";
import type { CatalogContext } from "../context.ts";
import { and, desc, eq, inArray, sql } from "../db/orm.ts";
import type { Write } from "../db/writer.ts";
import { PROOF_IMAGE_COLUMNS } from "../requests/reader.ts";
import { proofImages, proofs } from "../schema/proofs.ts";
import { requests } from "../schema/requests.ts";

/** One reproduction of an original: how far it is, and what it showed once it is compared. */
export interface ReproductionSummary {
  request_id: string;
  state: RequestState;
  created_at: number;
  outcome: Likeness | null;
  compared_at: number | null;
}

/** A proof with the model that it is about. */
export type ProofOfModel = Proof & { model: string };

/** An original that a sample may take. */
export interface Candidate {
  request_id: string;
  n: number;
  /** Which part of the archive's time it lies in, from 0. */
  span: number;
  created_at: number;
}

export interface Reproductions {
  /** Archived reproductions that nobody has compared yet: a page of ids. */
  listDue(): string[];
  /** Writes a proof down, once; false where there is one already. The sidecar has to follow. */
  record(proof: Proof): Promise<boolean>;
  /** The reproductions of an original, newest first. */
  of(originalId: string): ReproductionSummary[];
  /** All proofs, in the order in which their originals were made. */
  list(filter?: { model?: string | undefined }): ProofOfModel[];
  /** See `listCandidates`. */
  candidates(which: { spans: number; perSpan: number; model?: string | undefined }): Candidate[];
}

export function createReproductions(context: CatalogContext, write: Write): Reproductions {
  return {
    listDue: () => listDue(context),
    record: (proof) => write(() => recordProof(context, proof)),
    of: (originalId) => reproductionsOf(context, originalId),
    list: (filter) => listProofs(context, filter),
    candidates: (which) => listCandidates(context, which),
  };
}

const PAGE = 100;

// the plus keeps SQLite from walking through everything that is archived, where the index of reproductions is short
function listDue({ db }: CatalogContext): string[] {
  return db
    .all<{ id: string }>(sql`select request_id as id from ${requests}
      where reproduces is not null and +state = 'archived'
      and not exists (select 1 from ${proofs} p where p.request_id = ${requests.request_id})
      order by archived_at limit ${PAGE}`)
    .map((row) => row.id);
}

function recordProof({ db, now }: CatalogContext, { images, ...proof }: Proof): boolean {
  const { request_id } = proof;
  // the worker's care and a waiting command may both have looked: the first one stands
  if (db.insert(proofs).values(proof).onConflictDoNothing().run().changes === 0) return false;
  if (images.length > 0)
    db.insert(proofImages)
      .values(images.map((image) => ({ request_id, ...image })))
      .run();
  db.update(requests).set({ updated_at: now(), sidecar_at: null }).where(eq(requests.request_id, request_id)).run();
  return true;
}

function reproductionsOf({ db }: CatalogContext, originalId: string): ReproductionSummary[] {
  return db
    .select({
      request_id: requests.request_id,
      state: requests.state,
      created_at: requests.created_at,
      outcome: proofs.outcome,
      compared_at: proofs.compared_at,
    })
    .from(requests)
    .leftJoin(proofs, eq(proofs.request_id, requests.request_id))
    .where(eq(requests.reproduces, originalId))
    .orderBy(desc(requests.created_at), desc(requests.request_id))
    .all();
}

function listProofs({ db }: CatalogContext, { model }: { model?: string | undefined } = {}): ProofOfModel[] {
  const rows = db
    .select({ proof: proofs, model: sql<string>`${requests.model}` })
    .from(proofs)
    .innerJoin(requests, eq(requests.request_id, proofs.request_id))
    .where(model === undefined ? undefined : eq(requests.model, model))
    .orderBy(proofs.original_generated_at, proofs.request_id)
    .all();
  const byRequest = imagesOf(db, rows);
  return rows.map(({ proof, model }) => ({ ...proof, model, images: byRequest.get(proof.request_id) ?? [] }));
}

function imagesOf(
  db: CatalogContext["db"],
  rows: readonly { proof: { request_id: string } }[],
): Map<string, Proof["images"]> {
  const images = new Map<string, Proof["images"]>();
  for (let from = 0; from < rows.length; from += PAGE) {
    const ids = rows.slice(from, from + PAGE).map(({ proof }) => proof.request_id);
    const found = db
      .select({ request_id: proofImages.request_id, image: PROOF_IMAGE_COLUMNS })
      .from(proofImages)
      .where(inArray(proofImages.request_id, ids))
      .orderBy(proofImages.index)
      .all();
    for (const { request_id, image } of found) images.set(request_id, [...(images.get(request_id) ?? []), image]);
  }
  return images;
}

/**
 * Originals from all of the archive's time: it is cut into `spans` of equal length, and of each come at most `perSpan`,
 * those first that were never proven, or not for the longest time, then those nearest to the middle of the span. Not
 * taken are reproductions, what is deleted, what was answered by another request, and what is being re-made just now.
 */
function listCandidates(
  { db }: CatalogContext,
  { spans, perSpan, model }: { spans: number; perSpan: number; model?: string | undefined },
): Candidate[] {
  const may = and(
    sql`o.state = 'archived' and o.deleted_at is null and o.reproduces is null and o.reused_from is null`,
    sql`not exists (select 1 from ${requests} r where r.reproduces = o.request_id
      and r.state in ('queued', 'generating', 'copying'))`,
    model === undefined ? undefined : sql`o.model = ${model}`,
  );
  const { first, last } = db.get<{ first: number | null; last: number | null }>(
    sql`select min(o.created_at) as first, max(o.created_at) as last from ${requests} o where ${may}`,
  );
  if (first === null || last === null) return [];
  const width = (last - first + 1) / spans;
  const spanOf = sql`min(cast((o.created_at - ${first}) / ${width} as integer), ${spans - 1})`;
  return db.all<Candidate>(sql`
    with candidate as (
      select o.request_id, o.n, o.created_at, ${spanOf} as span,
        (select max(p.compared_at) from ${proofs} p where p.original_id = o.request_id) as proven_at
      from ${requests} o where ${may}),
    ranked as (
      select *, row_number() over (partition by span order by coalesce(proven_at, 0),
        abs(created_at - ${first} - (span + 0.5) * ${width}), request_id) as place
      from candidate)
    select request_id, n, span, created_at from ranked where place <= ${perSpan} order by span, place`);
}
