// What a lock asks the catalog: the images of archived requests, a page of ids at a time, in one statement.

import type { Asset } from "../../domain/records.ts";
import type { CatalogContext } from "../context.ts";
import { and, asc, eq, sql } from "../db/orm.ts";
import { assets, images, requests } from "../schema/requests.ts";

/** An archived request with its images, in the order of their index. */
export interface Archived {
  recipe_id: string;
  seed: number;
  /** Whether its deletion was asked for: its bytes go, or are gone. */
  deleted: boolean;
  images: (Pick<Asset, "digest" | "key" | "bytes" | "content_type"> & { index: number })[];
}

/** Answers for a page of ids, some hundred of them; what is not archived is missing from the answer. */
export function createFindArchivedImages({ db }: CatalogContext): (ids: readonly string[]) => Map<string, Archived> {
  const statement = db
    .select({
      request: {
        request_id: requests.request_id,
        recipe_id: requests.recipe_id,
        seed: requests.seed,
        deleted_at: requests.deleted_at,
      },
      index: images.index,
      asset: { digest: assets.digest, key: assets.key, bytes: assets.bytes, content_type: assets.content_type },
    })
    .from(sql`json_each(${sql.placeholder("ids")}) as asked`)
    // left joins, though all must be there: with inner ones SQLite begins with every archived request there is
    .leftJoin(requests, and(eq(requests.request_id, sql`asked.value`), eq(requests.state, "archived")))
    .leftJoin(images, eq(images.request_id, requests.request_id))
    .leftJoin(assets, eq(assets.asset_id, images.asset_id))
    .orderBy(asc(sql`asked.key`), asc(images.index))
    .prepare();
  return (ids) => {
    const found = new Map<string, Archived>();
    for (const { request, index, asset } of statement.all({ ids: JSON.stringify(ids) })) {
      if (request?.recipe_id == null || request.seed === null || index === null || asset === null) continue;
      const { request_id, recipe_id, seed, deleted_at } = request;
      const known = found.get(request_id);
      const images = known?.images ?? [];
      images.push({ index, ...asset });
      if (known === undefined) found.set(request_id, { recipe_id, seed, deleted: deleted_at !== null, images });
    }
    return found;
  };
}
