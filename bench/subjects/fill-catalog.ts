// Fills a catalog with archived requests of one image each, by statements over many rows: a million in a minute or two.
// The rows are those that a worker leaves; what is random-keyed is random. Indexes grow with them: built afterwards they
// would be full to the last byte, and the next tens of thousands of rows would each have to split a page. Not measured.
import { randomBytes } from "node:crypto";
import type { CatalogContext } from "../../src/catalog/context.ts";
import { type Database, openDatabase } from "../../src/catalog/db/database.ts";
import { indexTexts } from "../../src/catalog/search/index.ts";
import { recipeId, toRecipe } from "../../src/domain/request/recipe.ts";
import { parseSubmission } from "../../src/domain/request/submission.ts";
import { report } from "../cost.ts";
import { FIRST_MS, prompted, STEP_MS } from "../prompts.ts";

const { FILE = "", COUNT = "0", TEXTS = "" } = process.env;
const count = Number(COUNT);
const database = openDatabase(FILE);
const { sqlite } = database;
// nothing here must outlive a power cut, and there is no row to be proven against another
for (const pragma of ["synchronous = OFF", "foreign_keys = OFF", "cache_size = -1000000"]) sqlite.pragma(pragma);
fillRows();
if (TEXTS !== "") fillTexts(database);
// on the disk, or the first rounds would wait for what is still to be written of a gigabyte
sqlite.pragma("synchronous = FULL");
sqlite.pragma("wal_checkpoint(TRUNCATE)");
database.close();
report({ value: count });
process.disconnect();

function fillRows(): void {
  const one = (text: string) => sqlite.prepare(text);
  const request =
    one(`insert into requests (request_id, state, recipe_id, model, prompt, negative_prompt, aspect_ratio, n, seed,
    steps, guidance_scale, seed_given, response_format, collection, tags, metadata, reuse, content_hash, job_id, attempt,
    batch_id, created_at, updated_at, archived_at, sidecar_at)
    values (?, 'archived', ?, ?, ?, ?, ?, ?, ?, ?, ?, 1, 'url', ?, ?, '{}', 1, ?, ?, 0, ?, ?, ?, ?, ?)`);
  const call = one(`insert into calls (request_id, number, state, n, seed, worker_id, sent_at, ended_at, http_status)
    values (?, 1, 'answered', 1, ?, 'w', ?, ?, 200)`);
  const generation = one(
    "insert into generations (request_id, call_number, api_created, expires_at) values (?, 1, ?, ?)",
  );
  const image = one(`insert into images (request_id, image_index, call_number, url, expires_at, digest, asset_id,
    archived_at) values (?, 0, 1, ?, ?, ?, ?, ?)`);
  const asset = one(`insert into assets (digest, key, bytes, content_type, width, height, archived_at, phash)
    values (?, ?, ?, 'image/png', ?, ?, ?, ?)`);
  const rows = sqlite.transaction((from: number, to: number) => {
    for (let index = from; index < to; index++) {
      const { batch, ...data } = prompted(index);
      const { request_id = "", collection, tags, ...recipe } = parseSubmission(data);
      const at = FIRST_MS + index * STEP_MS;
      const id = recipeId(toRecipe(recipe));
      const { model, prompt, negative_prompt, aspect_ratio, n, seed, steps, guidance_scale } = recipe;
      request.run(
        ...[request_id, id, model, prompt, negative_prompt, aspect_ratio, n, seed, steps, guidance_scale, collection],
        ...[JSON.stringify(tags), id, `req-${request_id}`, batch, at, at, at, at],
      );
      const digest = randomBytes(32).toString("hex");
      const key = `images/${digest.slice(0, 2)}/${digest}.png`;
      const side = 512 + (index % 16) * 64;
      const bytes = 500_000 + ((index * 7_919) % 3_000_000);
      const { lastInsertRowid: place } = asset.run(digest, key, bytes, side, side, at, digest.slice(0, 16));
      call.run(request_id, seed, at, at);
      generation.run(request_id, at, at);
      image.run(request_id, `http://127.0.0.1/${index}.png`, at, digest, place, at);
    }
  });
  const step = 20_000;
  for (let from = 0; from < count; from += step) rows(from, Math.min(count, from + step));
}

function fillTexts({ db }: Database): void {
  const group = sqlite.transaction(() => indexTexts({ db } as CatalogContext, 5_000));
  while (group() > 0);
}
