// The one insert that runs a million times in a row: new requests of a manifest, in the form in which they are bound. The
// statement is better-sqlite3's own, since filling drizzle's placeholders takes as long as SQLite does.
import type { InferInsertModel } from "drizzle-orm";
import { toJobId } from "../request/request-id.ts";
import type { Request } from "../request/submission.ts";
import type { Parts } from "./parts.ts";
import type { requests } from "./schema.ts";

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
  "reproduces",
  "job_id",
  "state",
  "created_at",
  "updated_at",
] as const satisfies readonly (keyof Row)[];

/** Where a request comes from. */
export interface Origin {
  batchId: string;
  item: number;
  reproduces: string | null;
  now: number;
}

/** Inserts a request; false, and nothing done, where the catalog has one of its id. */
export type InsertRequest = (request: StoredRequest, origin: Origin) => boolean;

/** The insert, prepared once. */
export function createRequestInsert({ db }: Parts): InsertRequest {
  const columns = [...OF_REQUEST, ...OF_ORIGIN];
  // "or fail": by itself SQLite keeps every page as it was before a row whose trigger writes more, to take that row alone
  // back. Here one that fails ends its whole transaction, so that a fifth of the inserting can be saved
  const statement = db.$client.prepare(
    `insert or fail into requests (${columns.join(", ")}) values (${columns.map(() => "?").join(", ")})
     on conflict (request_id) do nothing`,
  );
  return (request, { batchId, item, reproduces, now }) => {
    const ofOrigin = [batchId, item, reproduces, toJobId(request[0]), "queued", now, now];
    return statement.run(...request, ...ofOrigin).changes === 1;
  };
}
