// The row of a request that is new, as values for one insert: made where the request came in, written where writes are
// committed. In between it crosses threads, for which a list of plain values costs far less than nested records.
import type { RequestDetail } from "../pipeline/records.ts";
import type { Request } from "../request/submission.ts";
import type { Db } from "./database.ts";
import { prepared } from "./prepared.ts";
import type { RequestRow } from "./rows.ts";

/** Where a request came from. */
export interface Origin {
  jobId: string;
  batchId?: string;
  reproduces?: string;
}

/** What stands in the columns of `CELLS`, in their order. */
export type AcceptRow = readonly (string | number | null)[];

type Cell = (request: Request, origin: Origin) => AcceptRow[number];

/** The columns that a new row names, and what stands in them. Of the others some have defaults, and the rest are null. */
const CELLS = {
  request_id: (request) => request.request_id,
  state: () => "queued",
  recipe_id: (request) => request.recipe_id,
  model: ({ recipe }) => recipe.model,
  prompt: ({ recipe }) => recipe.prompt,
  negative_prompt: ({ recipe }) => recipe.negative_prompt,
  aspect_ratio: ({ recipe }) => recipe.aspect_ratio,
  n: ({ recipe }) => recipe.n,
  seed: ({ recipe }) => recipe.seed,
  steps: ({ recipe }) => recipe.steps,
  guidance_scale: ({ recipe }) => recipe.guidance_scale,
  seed_given: (request) => Number(request.seed_given),
  response_format: (request) => request.response_format,
  collection: (request) => request.collection,
  tags: (request) => JSON.stringify(request.tags),
  metadata: (request) => JSON.stringify(request.metadata),
  reuse: (request) => Number(request.reuse),
  webhook_url: (request) => request.webhook_url,
  content_hash: (request) => request.content_hash,
  batch_id: (_, origin) => origin.batchId ?? null,
  job_id: (_, origin) => origin.jobId,
  reproduces: (_, origin) => origin.reproduces ?? null,
} satisfies Partial<Record<keyof RequestRow, Cell>>;

const CELL_LIST: readonly Cell[] = Object.values(CELLS);

/** What is written of a request, but for the time at which it is. */
export function toAcceptRow(request: Request, origin: Origin): AcceptRow {
  return CELL_LIST.map((cell) => cell(request, origin));
}

/** The request that a row is of. */
export function idOf([request_id]: AcceptRow): string {
  return String(request_id);
}

/** The record of a request that was written just now. */
export function toFreshDetail(request: Request, { jobId, batchId, reproduces }: Origin, now: number): RequestDetail {
  return {
    request: {
      request_id: request.request_id,
      state: "queued",
      recipe_id: request.recipe_id,
      recipe: request.recipe,
      seed_given: request.seed_given,
      response_format: request.response_format,
      collection: request.collection,
      tags: request.tags,
      metadata: request.metadata,
      reuse: request.reuse,
      webhook_url: request.webhook_url,
      content_hash: request.content_hash,
      batch_id: batchId ?? null,
      batch_item: null,
      job_id: jobId,
      attempt: 0,
      error: null,
      reused_from: null,
      reproduces: reproduces ?? null,
      note: null,
      created_at: now,
      updated_at: now,
      archived_at: null,
      deleted_at: null,
      erase_after: null,
      erased_at: null,
    },
    calls: [],
    generations: [],
    images: [],
    assets: [],
    webhooks: [],
    proof: null,
  };
}

/**
 * Writes a row unless its id is taken; tells whether it did. Filling drizzle's placeholders takes as long as SQLite does, and
 * what would take back a single row ("or abort") a tenth: where it throws, the transaction has to be taken back.
 */
export const insertOf = prepared((db: Db): ((row: AcceptRow, now: number) => boolean) => {
  const names = [...Object.keys(CELLS), "created_at", "updated_at"];
  const list = names.map((name) => `"${name}"`).join(", ");
  const marks = names.map(() => "?").join(", ");
  const statement = db.$client.prepare(
    `insert or fail into requests (${list}) values (${marks}) on conflict (request_id) do nothing`,
  );
  return (row, now) => statement.run([...row, now, now]).changes > 0;
});
