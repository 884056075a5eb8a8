// The flags of `catalog search`, from text to the catalog's own filter. Every fault of them is named at once.
import type { Command } from "commander";
import type { SearchQuery, SearchSort } from "../catalog/search/search.ts";
import { type Fault, RejectedError } from "../domain/errors.ts";
import { ASPECT_RATIOS } from "../domain/request/recipe.ts";
import { parseSize, parseTime } from "../domain/units.ts";
import { addFilterFlags, collect, toFilter } from "./catalog-filter.ts";

export interface SearchFlags {
  [flag: string]: unknown;
  tag?: string[];
  state?: string;
  collection?: string;
  batch?: string;
}

/** Adds a flag for every filter but --deleted, which not every command may offer. */
export function addSearchFlags(command: Command): Command {
  return addFilterFlags(command)
    .option("--tag <tag>", "only with this tag; may be repeated: with all of them", collect)
    .option("--from <time>", "accepted then or later: a day (2026-11-23) or a time in ISO 8601")
    .option("--to <time>", "accepted before; a day counts whole")
    .option("--model <name>")
    .option("--prompt <text>", "this very prompt")
    .option("--negative-prompt <text>", "this very negative prompt")
    .option("--aspect-ratio <w:h>", ASPECT_RATIOS.join(" "))
    .option("--n <count>")
    .option("--seed <number>")
    .option("--steps <count>")
    .option("--guidance-scale <number>")
    .option("--recipe <id>", "the recipe id, or its beginning")
    .option("--digest <hex>", "the digest of an image, or its beginning")
    .option("--type <type>", "png, jpeg or webp")
    .option("--min-bytes <size>", "such as 500KB or 2MiB")
    .option("--max-bytes <size>")
    .option("--min-width <pixels>")
    .option("--max-width <pixels>")
    .option("--min-height <pixels>")
    .option("--max-height <pixels>");
}

const SORTS: readonly SearchSort[] = ["relevance", "newest", "oldest", "manifest"];
const TYPES: Record<string, "image/png" | "image/jpeg" | "image/webp"> = {
  png: "image/png",
  jpeg: "image/jpeg",
  jpg: "image/jpeg",
  webp: "image/webp",
};

/** The query of these words, in one argument or several, and flags. Throws a RejectedError `invalid_request` that names every fault. */
export function toSearchQuery(words: readonly string[], flags: SearchFlags): SearchQuery {
  const faults: Fault[] = [];
  const read = <T>(name: string, parse: (text: string) => T | undefined, wanted: string): T | undefined => {
    const value = flags[name];
    if (typeof value !== "string") return undefined;
    const parsed = parse(value.trim());
    if (parsed === undefined) faults.push({ field: toFlag(name), message: `wanted ${wanted}, got "${value}"` });
    return parsed;
  };
  const count = (name: string) => read(name, toCount, "a whole number");
  const bytes = (name: string) => read(name, (value) => toCount(value) ?? parseSize(value), "a size such as 500KB");
  const query: SearchQuery = {
    text: words.length === 0 ? undefined : words.join(" "),
    ...toFilter({ ...pick(flags, "state"), ...pick(flags, "collection"), ...pick(flags, "batch") }),
    tags: flags.tag,
    from: read("from", (value) => parseTime(value, "from"), "a day or a time in ISO 8601"),
    to: read("to", (value) => parseTime(value, "to"), "a day or a time in ISO 8601"),
    model: read("model", (value) => value, ""),
    // as it was typed: a prompt may begin or end with spaces
    prompt: asText(flags.prompt),
    negative_prompt: asText(flags.negativePrompt),
    aspect_ratio: read(
      "aspectRatio",
      (value) => ASPECT_RATIOS.find((ratio) => ratio === value),
      ASPECT_RATIOS.join(", "),
    ),
    n: count("n"),
    seed: count("seed"),
    steps: count("steps"),
    guidance_scale: read("guidanceScale", toNumber, "a number"),
    recipe: read("recipe", toHex, "hexadecimal digits"),
    digest: read("digest", toHex, "hexadecimal digits"),
    content_type: read("type", (value) => TYPES[value.replace("image/", "")], "png, jpeg or webp"),
    minBytes: bytes("minBytes"),
    maxBytes: bytes("maxBytes"),
    minWidth: count("minWidth"),
    maxWidth: count("maxWidth"),
    minHeight: count("minHeight"),
    maxHeight: count("maxHeight"),
    deleted: flags.deleted === true ? true : undefined,
  };
  if (faults.length === 0) return query;
  const message = faults.map((fault) => `${fault.field}: ${fault.message}`).join("; ");
  throw new RejectedError(message, { code: "invalid_request", faults });
}

/** The order that --sort names. */
export function toSort(text: string | undefined): SearchSort | undefined {
  if (text === undefined) return undefined;
  const sort = SORTS.find((known) => known === text);
  if (sort !== undefined) return sort;
  const message = `wanted ${SORTS.join(", ")}, got "${text}"`;
  throw new RejectedError(`--sort: ${message}`, { code: "invalid_request", faults: [{ field: "--sort", message }] });
}

function toCount(text: string): number | undefined {
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

function toNumber(text: string): number | undefined {
  return text !== "" && Number.isFinite(Number(text)) ? Number(text) : undefined;
}

function toHex(text: string): string | undefined {
  return /^[0-9a-f]{1,64}$/i.test(text) ? text.toLowerCase() : undefined;
}

function asText(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function toFlag(name: string): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

function pick<Name extends "state" | "collection" | "batch">(
  flags: SearchFlags,
  name: Name,
): { [Key in Name]?: string } {
  const value = flags[name];
  return (value === undefined ? {} : { [name]: value }) as { [Key in Name]?: string };
}
