// The filters of a search: as conditions on the tables, as words of the full-text index, and as the few requests that
// they leave where they leave few.
import type { SQL } from "drizzle-orm";
import type { ImageType, RequestState } from "../../domain/records.ts";
import { isInBatch } from "../batches/manifest-order.ts";
import type { CatalogContext } from "../context.ts";
import { sql } from "../db/orm.ts";
import { between, startsWith } from "../requests/recipe-prefix.ts";
import type { Facets } from "./text.ts";

/** What hits must be like; what is left out does not matter. Times in ms, `to` is not included; sizes include both ends. */
export interface SearchFilter {
  /** One of these. */
  requests?: readonly string[] | undefined;
  state?: RequestState | undefined;
  collection?: string | undefined;
  /** The code of its error. */
  code?: string | undefined;
  /** All of them. */
  tags?: readonly string[] | undefined;
  batch?: string | undefined;
  from?: number | undefined;
  to?: number | undefined;
  model?: string | undefined;
  prompt?: string | undefined;
  negative_prompt?: string | undefined;
  aspect_ratio?: string | undefined;
  n?: number | undefined;
  seed?: number | undefined;
  steps?: number | undefined;
  guidance_scale?: number | undefined;
  /** The recipe id, or its beginning. */
  recipe?: string | undefined;
  /** The digest of an image, or its beginning. */
  digest?: string | undefined;
  content_type?: ImageType | undefined;
  minBytes?: number | undefined;
  maxBytes?: number | undefined;
  minWidth?: number | undefined;
  maxWidth?: number | undefined;
  minHeight?: number | undefined;
  maxHeight?: number | undefined;
  /** Those whose deletion was asked for; by default all others. */
  deleted?: boolean | undefined;
}

/** Conditions on `requests r`. */
export function toConditions(filter: SearchFilter): SQL {
  const { from, to, recipe } = filter;
  const equal = EQUAL.flatMap((field) => {
    const value = filter[field];
    return value === undefined ? [] : [sql`${sql.raw(`r.${field}`)} = ${value}`];
  });
  const asset = assetConditions(filter);
  const all: SQL[] = [
    sql`r.deleted_at is ${sql.raw(filter.deleted ? "not null" : "null")}`,
    ...equal,
    ...given(filter.requests, (ids) => sql`r.request_id in (${listed(ids)})`),
    ...given(filter.code, (code) => sql`r.error_code = ${code}`),
    ...given(filter.batch, isInBatch),
    ...given(from, (ms) => sql`r.created_at >= ${ms}`),
    ...given(to, (ms) => sql`r.created_at < ${ms}`),
    ...given(recipe, (id) => between(sql`r.recipe_id`, id)),
    ...(filter.tags ?? []).map((tag) => sql`exists (select 1 from json_each(r.tags) where value = ${tag})`),
    ...given(
      asset,
      (matches) => sql`exists (select 1 from images i join assets a on a.asset_id = i.asset_id
        where i.request_id = r.request_id and ${matches})`,
    ),
  ];
  return sql.join(all, sql` and `);
}

const EQUAL = [
  "state",
  "collection",
  "model",
  "prompt",
  "negative_prompt",
  "aspect_ratio",
  "n",
  "seed",
  "steps",
  "guidance_scale",
] as const satisfies readonly (keyof SearchFilter)[];

/** Conditions on `assets a`, or undefined where nothing is asked of them. */
export function assetConditions(filter: SearchFilter): SQL | undefined {
  const all = [
    ...given(filter.digest, (digest) => between(sql`a.digest`, digest)),
    ...given(filter.content_type, (type) => sql`a.content_type = ${type}`),
    ...given(filter.minBytes, (bytes) => sql`a.bytes >= ${bytes}`),
    ...given(filter.maxBytes, (bytes) => sql`a.bytes <= ${bytes}`),
    ...given(filter.minWidth, (width) => sql`a.width >= ${width}`),
    ...given(filter.maxWidth, (width) => sql`a.width <= ${width}`),
    ...given(filter.minHeight, (height) => sql`a.height >= ${height}`),
    ...given(filter.maxHeight, (height) => sql`a.height <= ${height}`),
  ];
  return all.length === 0 ? undefined : sql.join(all, sql` and `);
}

function listed(ids: readonly string[]): SQL {
  return sql`select value as request_id from json_each(${JSON.stringify(ids)})`;
}

function given<T>(value: T | undefined, make: (value: T) => SQL): SQL[] {
  return value === undefined ? [] : [make(value)];
}

/** What of the filter stands in the full-text index as words of its own. */
export function toFacets({
  collection,
  tags,
  batch,
  model,
  aspect_ratio,
  n,
  seed,
  steps,
  guidance_scale,
}: SearchFilter): Facets {
  return { collection, tags, batch, model, aspect_ratio, n, seed, steps, guidance_scale };
}

/**
 * The requests that one rare property leaves, at most `limit` of them; undefined where none of the properties asked for
 * is that rare. Walking a million requests to find three is what this spares.
 */
export function findFew(context: CatalogContext, filter: SearchFilter, limit: number): string[] | undefined {
  for (const source of rareSources(filter)) {
    const rows = context.db.all<{ request_id: string }>(sql`${source} limit ${limit + 1}`);
    if (rows.length <= limit) return [...new Set(rows.map((row) => row.request_id))];
  }
  return undefined;
}

function rareSources(filter: SearchFilter): SQL[] {
  const { requests, recipe, digest, state, minBytes, maxBytes, minWidth, maxWidth } = filter;
  const byAsset = (rare: SearchFilter) =>
    given(
      assetConditions(rare),
      (matches) =>
        sql`select i.request_id from assets a cross join images i on i.asset_id = a.asset_id where ${matches}`,
    );
  // one property each, by its index: of two, one that everything has would hide one that nothing has
  return [
    ...given(requests, listed),
    ...given(recipe, (id) => sql`select request_id from requests r where ${startsWith(sql`r.recipe_id`, id)}`),
    ...byAsset({ digest }),
    ...byAsset({ minBytes, maxBytes }),
    ...byAsset({ minWidth, maxWidth }),
    ...given(state, (one) => sql`select request_id from requests r where r.state = ${one}`),
  ];
}
