// The insert of new requests, and the form in which they are bound: made where a request comes in, kept on disk with a
// million others, passed from thread to thread, and put together only once. The statement is better-sqlite3's own, since
// filling drizzle's placeholders takes as long as SQLite does.
import type { InferInsertModel } from "drizzle-orm";
import type { Request } from "../../domain/request/submission.ts";
import type { Db } from "../db/database.ts";
import { prepared } from "../db/prepared.ts";
import type { requests } from "../schema/requests.ts";

type Row = InferInsertModel<typeof requests>;

/** What the catalog stores of a request before anybody knows of it: values of OF_REQUEST, as SQLite takes them. */
export type StoredRequest = readonly [
  request_id: string,
  content_hash: string,
  ...more: readonly (string | number | null)[],
];

const OF_REQUEST = [
  "request_id",
  "content_hash",
  "recipe_id",
  "model",
  "prompt",
  "negative_prompt",
  "aspect_ratio",
  "n",
  "seed",
  "steps",
  "guidance_scale",
  "seed_given",
  "response_format",
  "collection",
  "tags",
  "metadata",
  "reuse",
  "webhook_url",
] as const satisfies readonly (keyof Row)[];

/** A request in the order of OF_REQUEST; JSON and booleans in the stored forms of the schema. */
export function toStoredRequest(request: Request): StoredRequest {
  const { recipe } = request;
  return [
    request.request_id,
    request.content_hash,
    request.recipe_id,
    recipe.model,
    recipe.prompt,
    recipe.negative_prompt,
    recipe.aspect_ratio,
    recipe.n,
    recipe.seed,
    recipe.steps,
    recipe.guidance_scale,
    request.seed_given ? 1 : 0,
    request.response_format,
    request.collection,
    JSON.stringify(request.tags),
    JSON.stringify(request.metadata),
    request.reuse ? 1 : 0,
    request.webhook_url,
  ];
}

const OF_ORIGIN = [
  "batch_id",
  "batch_item",
  "manifest_line",
  "reproduces",
  "job_id",
] as const satisfies readonly (keyof Row)[];

/** Where a request comes from: values of OF_ORIGIN. */
export type StoredOrigin = readonly [
  batchId: string | null,
  item: number | null,
  line: number | null,
  reproduces: string | null,
  jobId: string,
];

/** Inserts a request at a time in ms; false, and nothing done, where the catalog has one of its id. */
export type InsertRequest = (request: StoredRequest, origin: StoredOrigin, now: number) => boolean;

/**
 * The insert. Where it throws, its transaction has to be taken back: by itself ("or abort") SQLite keeps every page as it
 * was before a row whose trigger writes more, to take that row alone back, which is a fifth of the inserting.
 */
export const insertRequest = prepared(({ $client: sqlite }: Db): InsertRequest => {
  const columns = [...OF_REQUEST, ...OF_ORIGIN, "created_at", "updated_at", "state"];
  const statement = sqlite.prepare(
    `insert or fail into requests (${columns.join(", ")}) values (${columns.map(() => "?").join(", ")})
     on conflict (request_id) do nothing`,
  );
  return (request, origin, now) => statement.run(...request, ...origin, now, now, "queued").changes === 1;
});
