// Which format a manifest has: as told, else by its name, else by the type it was sent as, else by how it begins. Pure.
import { nameOnly } from "./file-kind.ts";

/** The formats of a manifest. */
export const MANIFEST_FORMATS = ["jsonl", "csv", "yaml", "json", "txt"] as const;
export type ManifestFormat = (typeof MANIFEST_FORMATS)[number];

/** So much of a manifest is looked at, in characters, where its name does not tell. */
export const DETECT_LENGTH = 4096;

const BY_EXTENSION: Record<string, ManifestFormat> = {
  jsonl: "jsonl",
  ndjson: "jsonl",
  csv: "csv",
  tsv: "csv",
  yaml: "yaml",
  yml: "yaml",
  json: "json",
  txt: "txt",
};

const BY_MEDIA_TYPE: Record<string, ManifestFormat> = {
  "application/jsonl": "jsonl",
  "application/x-ndjson": "jsonl",
  "application/x-jsonlines": "jsonl",
  "text/csv": "csv",
  "application/yaml": "yaml",
  "application/x-yaml": "yaml",
  "text/yaml": "yaml",
  "application/json": "json",
};

/** The format of a manifest called `name` that begins with `head`. */
export function detectFormat(manifest: { name: string; mediaType?: string | undefined; head: string }): ManifestFormat {
  const { name, mediaType = "", head } = manifest;
  const extension = /\.([a-z]+)$/i.exec(nameOnly(name))?.[1]?.toLowerCase() ?? "";
  const told = BY_EXTENSION[extension] ?? BY_MEDIA_TYPE[(mediaType.split(";", 1)[0] ?? "").trim().toLowerCase()];
  // JSON Lines is often called .json, and sent as application/json
  if (told === "json") return isJsonLines(head) ? "jsonl" : "json";
  return told ?? byContent(head);
}

/**
 * | begins with | is |
 * |---|---|
 * | an object that ends on its line | JSON Lines |
 * | `{` or `[` otherwise | JSON |
 * | `-` and a space, `---`, a comment, `name:` | YAML |
 * | anything else | CSV: its first line is the header |
 */
function byContent(head: string): ManifestFormat {
  const start = head.trimStart();
  if (start.startsWith("{")) return isJsonLines(head) ? "jsonl" : "json";
  if (start.startsWith("[")) return "json";
  return /^(- |---|#|%YAML|[A-Za-z_]+:(\s|$))/.test(start) ? "yaml" : "csv";
}

// one object alone on its line, and nothing after it, is a single item too unless it is a document
function isJsonLines(head: string): boolean {
  const [first = "", ...rest] = head.trimStart().split("\n");
  if (!first.startsWith("{")) return false;
  try {
    const value = JSON.parse(first) as object;
    return rest.some((line) => line.trim() !== "") || !("items" in value || "defaults" in value);
  } catch {
    // a document's first line, as a program writes it: all in one, or broken where the list begins
    if (/^\{\s*"(?:items|defaults)"\s*:/.test(first)) return false;
    // a first line that was cut off, or is broken while the next one begins an object too
    return first.length >= DETECT_LENGTH || rest.some((line) => line.startsWith('{"'));
  }
}
