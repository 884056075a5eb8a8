// What a lock asks the catalog: the images of archived requests, a page of ids at a time, in one statement.
import { asc, eq, sql } from "drizzle-orm";
import type { Asset } from "../pipeline/records.ts";
import type { Parts } from "./parts.ts";
import { assets, images, requests } from "./schema.ts";

/** An archived request with its images, in the order of their index. */
export interface Archived {
  recipe_id: string;
  seed: number;
  /** Whether its deletion was asked for: its bytes go, or are gone. */
  deleted: boolean;
  images: (Pick<Asset, "digest" | "key" | "bytes" | "content_type"> & { index: number })[];
}

/** Answers for a page of ids, some hundred of them; what is not archived is missing from the answer. */
export function createArchivedLookup({ db }: Parts): (ids: readonly string[]) => Map<string, Archived> {
  const statement = db
    .select({
      request_id: requests.request_id,
      recipe_id: requests.recipe_id,
      seed: requests.seed,
      deleted_at: requests.deleted_at,
      index: images.index,
      digest: assets.digest,
      key: assets.key,
      bytes: assets.bytes,
      content_type: assets.content_type,
    })
    .from(sql`json_each(${sql.placeholder("ids")}) as asked`)
    .innerJoin(requests, eq(requests.request_id, sql`asked.value`))
    .innerJoin(images, eq(images.request_id, requests.request_id))
    .innerJoin(assets, eq(assets.digest, images.digest))
    .where(eq(requests.state, "archived"))
    .orderBy(asc(sql`asked.key`), asc(images.index))
    .prepare();
  return (ids) => {
    const found = new Map<string, Archived>();
    for (const { request_id, recipe_id, seed, deleted_at, ...image } of statement.all({ ids: JSON.stringify(ids) })) {
      if (recipe_id === null || seed === null) continue;
      const known = found.get(request_id);
      if (known === undefined)
        found.set(request_id, { recipe_id, seed, deleted: deleted_at !== null, images: [image] });
      else known.images.push(image);
    }
    return found;
  };
}
