// The keys of objects in the store. Pure; the layout is public.
import type { ImageFacts } from "./records.ts";

/** images/<first two hex of digest>/<digest>.<extension> */
export function imageKey(digest: string, extension: ImageFacts["extension"]): string {
  return `images/${digest.slice(0, 2)}/${digest}.${extension}`;
}

/** The digest in the key of an image; undefined for any other key. */
export function imageDigest(key: string): string | undefined {
  const [, shard, digest] = /^images\/([0-9a-f]{2})\/([0-9a-f]{64})\.(?:png|jpg|webp)$/.exec(key) ?? [];
  return digest?.slice(0, 2) === shard ? digest : undefined;
}

/** thumbnails/<first two hex of digest>/<digest>.webp */
export function thumbnailKey(digest: string): string {
  return `thumbnails/${digest.slice(0, 2)}/${digest}.webp`;
}

/** The spool file of an answer that could not be parsed. */
export function answerFileName(call: { request_id: string; number: number }): string {
  return `${call.request_id}.${call.number}.answer`;
}

/** requests/<yyyy>/<mm>/<dd>/<request_id>.json, by the day (UTC) the request was accepted. */
export function sidecarKey(request: { request_id: string; created_at: number }): string {
  const day = new Date(request.created_at).toISOString().slice(0, 10).replaceAll("-", "/");
  return `requests/${day}/${request.request_id}.json`;
}
