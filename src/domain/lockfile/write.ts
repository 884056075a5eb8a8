// Writes a lock file: one line for each entry, in the order of the manifest, so that a git diff reads like the manifest's.
// Deterministic: the same entries give the same bytes. Pure.
import { LOCK_VERSION, type LockEntry } from "./entry.ts";

/** Defaults for the manifest's items; they are part of the items' ids. */
export interface LockDefaults {
  collection?: string;
  tags?: string[];
}

/** The lines before the entries, without the last line break. */
export function lockHead({ collection, tags }: LockDefaults): string {
  const defaults = [
    ...(collection === undefined ? [] : [`  "collection": ${JSON.stringify(collection)},`]),
    ...(tags === undefined ? [] : [`  "tags": ${JSON.stringify(tags)},`]),
  ];
  return ["{", `  "version": ${LOCK_VERSION},`, ...defaults, '  "entries": ['].join("\n");
}

/** The line of an entry. The caller writes a line break before it, and a comma unless it is the first. */
export function lockLine({ request_id, recipe_id, prompt, images }: LockEntry): string {
  const ordered = images.map(({ index, digest, key, bytes, content_type }) => ({
    index,
    digest,
    key,
    bytes,
    content_type,
  }));
  return `    ${JSON.stringify({ request_id, recipe_id, prompt, images: ordered })}`;
}

/** The lines after the last entry. */
export function lockEnd(root: string): string {
  return `\n  ],\n  "root": "${root}"\n}\n`;
}
