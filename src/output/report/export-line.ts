// One line of `catalog export`: an asset of a request, with the recipe that made it. Pure; the fields are a promise.
import type { ArchivedImage } from "../../domain/records.ts";

export type ExportLine = ReturnType<typeof toExportLine>;

/** The fields in their order. */
export const EXPORT_FIELDS = [
  "request_id",
  "batch",
  "collection",
  "tags",
  "metadata",
  "model",
  "prompt",
  "negative_prompt",
  "aspect_ratio",
  "n",
  "seed",
  "steps",
  "guidance_scale",
  "recipe_id",
  "index",
  "digest",
  "bytes",
  "content_type",
  "width",
  "height",
  "key",
  "api_created",
  "archived_at",
  "calls",
] as const satisfies readonly (keyof ExportLine)[];

/** `api_created` is the API's own, in Unix seconds (null for a reused image); `calls` counts the calls of the request. */
export function toExportLine({ request, index, asset, api_created, archived_at, calls }: ArchivedImage) {
  const { recipe } = request;
  return {
    request_id: request.request_id,
    batch: request.batch_id,
    collection: request.collection,
    tags: request.tags,
    metadata: request.metadata,
    model: recipe?.model ?? null,
    prompt: recipe?.prompt ?? null,
    negative_prompt: recipe?.negative_prompt ?? null,
    aspect_ratio: recipe?.aspect_ratio ?? null,
    n: recipe?.n ?? null,
    seed: recipe?.seed ?? null,
    steps: recipe?.steps ?? null,
    guidance_scale: recipe?.guidance_scale ?? null,
    recipe_id: request.recipe_id,
    index,
    digest: asset.digest,
    bytes: asset.bytes,
    content_type: asset.content_type,
    width: asset.width,
    height: asset.height,
    key: asset.key,
    api_created,
    archived_at: new Date(archived_at).toISOString(),
    calls,
  };
}
