// What a plan asks the catalog: which requests of a manifest are there already, and what calls and images were like.

import type { RequestState } from "../../domain/records.ts";
import { isIntact } from "../assets/assets.ts";
import type { CatalogContext } from "../context.ts";
import { and, desc, eq, sql } from "../db/orm.ts";
import { equalsRecipe } from "../requests/recipe-prefix.ts";
import { assets, calls, images, requests } from "../schema/requests.ts";

/** One request of a manifest. `recipe_id` is null where no other request's images would do. */
export interface ManifestKey {
  request_id: string;
  recipe_id: string | null;
}

/** What the catalog knows about it. */
export interface ManifestStatus {
  /** Of the request with this id; null where there is none. */
  state: RequestState | null;
  content_hash: string | null;
  /** Of another request with this recipe, whose images will do: `archived`, or on the way there. */
  twin: "archived" | "underway" | null;
}

/** Answers page by page, in the order asked; a page should hold some hundred. */
export function createManifestStatus({ db }: CatalogContext): (page: readonly ManifestKey[]) => ManifestStatus[] {
  const asked = sql`json_each(${sql.placeholder("page")}) as asked`;
  // 1: one is archived; 0: one is on its way; null: none. The same conditions as where a call is reserved
  const twin = sql<number | null>`(select max(other.state = 'archived') from ${requests} as other
    where ${equalsRecipe(sql`other.recipe_id`, sql`asked.value ->> 'recipe_id'`)} and other.request_id <> asked.value ->> 'request_id'
    and other.state in ('generating', 'copying', 'archived') and other.deleted_at is null
    and ${isIntact(sql`other.request_id`)})`;
  const statement = db
    .select({ state: requests.state, content_hash: requests.content_hash, twin })
    .from(asked)
    .leftJoin(requests, eq(requests.request_id, sql`asked.value ->> 'request_id'`))
    .orderBy(sql`asked.key`)
    .prepare();
  return (page) =>
    statement.all({ page: JSON.stringify(page) }).map(({ state, content_hash, twin }) => ({
      state,
      content_hash,
      twin: twin === null ? null : twin === 1 ? "archived" : "underway",
    }));
}

/** So many of the latest calls and requests stand for what is to come. */
const SAMPLE = 500;

/** What recent work was like. */
export interface DurationHistory {
  /** Half of the recent calls that were answered took no longer, in ms; null when there were none. */
  median_call_ms: number | null;
  /** Mean size of recent assets by aspect ratio, in bytes. */
  mean_bytes: Map<string, number>;
}

export function readDurationHistory({ db }: CatalogContext): DurationHistory {
  const took = db
    .select({ ms: sql<number>`${calls.ended_at} - ${calls.sent_at}` })
    .from(calls)
    .where(eq(calls.state, "answered"))
    .orderBy(desc(calls.sent_at))
    .limit(SAMPLE)
    .all()
    .map(({ ms }) => ms)
    .sort((a, b) => a - b);
  const recent = db
    .select({ request_id: requests.request_id, aspect_ratio: requests.aspect_ratio })
    .from(requests)
    .where(eq(requests.state, "archived"))
    .orderBy(desc(requests.updated_at))
    .limit(SAMPLE)
    .as("recent");
  const sizes = db
    .select({ aspect_ratio: recent.aspect_ratio, bytes: sql<number>`avg(${assets.bytes})` })
    .from(recent)
    .innerJoin(images, and(eq(images.request_id, recent.request_id)))
    .innerJoin(assets, eq(assets.asset_id, images.asset_id))
    .groupBy(recent.aspect_ratio)
    .all();
  return {
    median_call_ms: took[Math.floor(took.length / 2)] ?? null,
    mean_bytes: new Map(sizes.map(({ aspect_ratio, bytes }) => [aspect_ratio ?? "", bytes])),
  };
}
