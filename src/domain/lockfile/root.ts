// The Merkle root over the entries of a lock file. It does not depend on their order in the file. Pure.
import { canonicalJson } from "../request/canonical-json.ts";
import type { LockEntry } from "./entry.ts";
import { leafHash, merkleRoot } from "./merkle.ts";

/** Takes entries one by one and keeps only a hash of each. */
export interface RootBuilder {
  add(entry: LockEntry): void;
  /** `sha256:` and the root over all added entries. */
  root(): string;
}

/**
 * A leaf is the canonical JSON (RFC 8785) of an entry, in UTF-8. Leaves are sorted by request id, byte by byte (ids are
 * ASCII). Two parties get the same root if and only if they have the same entries.
 */
export function createRootBuilder(): RootBuilder {
  const leaves: { id: string; hash: Buffer }[] = [];
  return {
    add: (entry) => void leaves.push({ id: entry.request_id, hash: leafHash(canonicalJson(entry)) }),
    root: () => {
      const sorted = leaves.toSorted((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
      return `sha256:${merkleRoot(sorted.map(({ hash }) => hash)).toString("hex")}`;
    },
  };
}

/** The root of these entries. */
export function rootOf(entries: Iterable<LockEntry>): string {
  const builder = createRootBuilder();
  for (const entry of entries) builder.add(entry);
  return builder.root();
}

/** `root sha256:… (1,240 images of 620 requests)`: what both commands print, and two parties compare. */
export function describeRoot({ root, images, requests }: { root: string; images: number; requests: number }): string {
  const counted = (count: number, word: string) => `${count.toLocaleString("en")} ${word}${count === 1 ? "" : "s"}`;
  return `root ${root} (${counted(images, "image")} of ${counted(requests, "request")})`;
}
