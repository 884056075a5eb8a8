// From entries to the text of a lock file: one line for each, in the order of the manifest, so that a diff in git reads
// like the manifest's own. Nothing in it but what the entries say: the same entries give the same bytes. Pure.
import { LOCK_VERSION, type LockEntry } from "./entry.ts";

/** What the manifest's items were given where they named none; it is part of their ids. */
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

/** The line of an entry; a comma and a line break, or only the line break of the head, go before it. */
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
