// The functions that the triggers of the full-text index call: every way of writing a request keeps it in step.
import type Sqlite from "better-sqlite3";
import { toCharacters, toFacetWords, toWords } from "./text.ts";

/** Makes them known to a connection. Must come before migrations, which fill the index with their help. */
export function registerSearchFunctions(sqlite: Sqlite.Database): void {
  const options = { deterministic: true };
  sqlite.function("search_words", options, (text) => toWords(asText(text)).join(" "));
  sqlite.function("search_characters", options, (a, b) => toCharacters(`${asText(a)} ${asText(b)}`).join(" "));
  sqlite.function(
    "search_facets",
    options,
    (collection, tags, batch, model, aspect_ratio, n, seed, steps, guidance_scale) =>
      toFacetWords({
        collection: textOrNull(collection),
        tags: toTags(tags),
        batch: textOrNull(batch),
        model: textOrNull(model),
        aspect_ratio: textOrNull(aspect_ratio),
        n: numberOrNull(n),
        seed: numberOrNull(seed),
        steps: numberOrNull(steps),
        guidance_scale: numberOrNull(guidance_scale),
      }).join(" "),
  );
}

function asText(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function textOrNull(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}

function numberOrNull(value: unknown): number | null {
  return typeof value === "number" ? value : null;
}

function toTags(json: unknown): string[] {
  return typeof json === "string" ? (JSON.parse(json) as string[]) : [];
}
