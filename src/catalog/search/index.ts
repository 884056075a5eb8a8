// Brings the full-text index up to what is recorded, in groups. Which requests it lacks is known by their numbers: all
// that are higher than the highest one it holds.

import type { CatalogContext } from "../context.ts";
import { sql } from "../db/orm.ts";
import type { Write } from "../db/writer.ts";
import { toCharacters, toFacetWords, toWords } from "./text.ts";

/** The highest number in the index; 0 when it is empty. */
export function indexedUpTo(context: CatalogContext): number {
  const row = context.db.get<{ row_number: number | null }>(
    sql`select max(id) as row_number from request_texts_docsize`,
  );
  return row.row_number ?? 0;
}

/** How many requests the index lacks, counted up to `limit`. */
export function countUnindexed(context: CatalogContext, limit: number): number {
  const row = context.db.get<{ pending: number }>(
    sql`select count(*) as pending from (select 1 from requests where row_number > ${indexedUpTo(context)} limit ${limit})`,
  );
  return row.pending;
}

interface TextRow {
  row_number: number;
  collection: string;
  tags: string;
  batch_id: string | null;
  model: string | null;
  prompt: string | null;
  negative_prompt: string | null;
  aspect_ratio: string | null;
  n: number | null;
  seed: number | null;
  steps: number | null;
  guidance_scale: number | null;
}

/** Indexes the next requests, at most `limit` of them (about 60 µs each); returns how many. Belongs in a transaction. */
export function indexTexts(context: CatalogContext, limit: number): number {
  const rows = context.db.all<TextRow>(sql`select row_number, collection, tags, batch_id, model, prompt,
      negative_prompt, aspect_ratio, n, seed, steps, guidance_scale
    from requests where row_number > ${indexedUpTo(context)} order by row_number limit ${limit}`);
  if (rows.length === 0) return 0;
  // one statement for all: they need not be prepared one by one
  context.db.run(sql`insert into request_texts (rowid, prompt, negative_prompt, characters, facets)
    select value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4
    from json_each(${JSON.stringify(rows.map(toIndexed))})`);
  return rows.length;
}

function toIndexed({ row_number, prompt, negative_prompt, tags, batch_id, ...fields }: TextRow) {
  return [
    row_number,
    toWords(prompt ?? "").join(" "),
    toWords(negative_prompt ?? "").join(" "),
    toCharacters(`${prompt ?? ""} ${negative_prompt ?? ""}`).join(" "),
    toFacetWords({ ...fields, batch: batch_id, tags: JSON.parse(tags) as string[] }).join(" "),
  ];
}

/** So many in one transaction: a few milliseconds of the event loop. */
const GROUP = 100;

/** Indexes all that is missing, group by group, in the background; one at a time, however often it is asked for. */
export function createCatchUp(context: CatalogContext, write: Write): () => void {
  let running = false;
  return () => {
    if (running) return;
    running = true;
    indexAll(context, write)
      // the catalog was closed, or cannot be written: the next search asks again
      .catch(() => undefined)
      .finally(() => {
        running = false;
      });
  };
}

/** Indexes all that is missing; resolves to how many. Other writes go on between the groups. */
export async function indexAll(context: CatalogContext, write: Write): Promise<number> {
  let indexed = 0;
  for (;;) {
    const group = await write(() => indexTexts(context, GROUP));
    indexed += group;
    if (group < GROUP) return indexed;
  }
}
