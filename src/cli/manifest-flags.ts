// The flags with which commands that only read a manifest say how: the same names as in `bulk` and `plan`.
import { type Command, Option } from "commander";
import { MANIFEST_FORMATS, type ManifestFormat } from "../batches/manifest/format.ts";
import type { ManifestOptions } from "../batches/manifest/manifest.ts";
import { collect } from "./catalog-filter.ts";

export interface ManifestFlags {
  format?: ManifestFormat;
  collection?: string;
  tag?: string[];
}

/** Adds --format, --collection and --tag. */
export function addManifestFlags(command: Command): Command {
  return addFormatFlag(command)
    .option("--collection <name>", "for items that name none: what the manifest was made with")
    .option("--tag <tag>", "for items that have none: what the manifest was made with; may be repeated", collect);
}

/** Adds --format alone. */
export function addFormatFlag(command: Command): Command {
  const option = new Option("--format <format>", "of the manifest; found by name and content if left out");
  return command.addOption(option.choices(MANIFEST_FORMATS));
}

export function toManifestOptions({ format, collection, tag: tags }: ManifestFlags): ManifestOptions {
  return { format, collection, tags };
}
