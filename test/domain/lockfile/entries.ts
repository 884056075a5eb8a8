// Entries of lock files for tests: real keys, made-up digests.
import { createHash } from "node:crypto";
import fc from "fast-check";
import { imageKey } from "../../../src/domain/keys.ts";
import type { LockEntry } from "../../../src/domain/lockfile/entry.ts";

const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

/** An entry with `n` images, whose recipe and digests are made of its id. */
export function entry(request_id: string, { n = 1, prompt = `picture ${request_id}` } = {}): LockEntry {
  const images = Array.from({ length: n }, (_, index) => {
    const digest = sha256(`${request_id} ${index}`);
    return { index, digest, key: imageKey(digest, "png"), bytes: 1000 + index, content_type: "image/png" as const };
  });
  return { request_id, recipe_id: sha256(request_id), prompt, images };
}

/** Any entries, each id once. */
export const anyEntries = fc
  .uniqueArray(fc.stringMatching(/^[A-Za-z0-9._-]{1,20}$/), { minLength: 1, maxLength: 20 })
  .chain((ids) =>
    fc.tuple(
      ...ids.map((id) =>
        fc
          .record({ n: fc.integer({ min: 1, max: 4 }), prompt: fc.string({ unit: "grapheme", maxLength: 30 }) })
          .map((more) => entry(id, more)),
      ),
    ),
  );
