// Checking a lock against a store: each image once, by a HEAD, or by reading it where that is wanted. Needs no catalog.
import type { LockEntry, LockImage } from "../lockfile/entry.ts";
import type { Store } from "../pipeline/ports.ts";
import type { ObjectFacts } from "../pipeline/records.ts";
import { measure } from "../store/digest.ts";
import { mapInOrder } from "./streams.ts";

/**
 * What is wrong with an image.
 * - `missing`: nothing is under its key
 * - `changed`: something else is: another size, or another digest
 * - `wrong_type`: the store gives it out as something else
 */
export interface LockFinding {
  kind: "missing" | "changed" | "wrong_type";
  key: string;
  digest: string;
  /** The images that the lock ties to it. */
  images: { request_id: string; index: number }[];
  reason: string;
}

/** How a check went. */
export interface LockChecked {
  /** Different objects. Those that are there are as many as the two counts below, and what was found wrong. */
  objects: number;
  /** Found intact by their digest: the store's own word, or bytes that were read. */
  by_digest: number;
  /** Found in place by size and type alone: the store keeps no digest of them. */
  by_size: number;
  found: LockFinding[];
}

export interface CheckLockOptions {
  store: Pick<Store, "head" | "read">;
  /** Reads and hashes every byte, instead of asking what the store says. */
  deep: boolean;
  /** So many objects at a time. */
  atOnce: number;
  signal: AbortSignal;
  onProgress?(checked: LockChecked): void;
}

/** Asks for each object once. Throws what the store throws where it cannot be asked. */
export async function checkLock(entries: readonly LockEntry[], options: CheckLockOptions): Promise<LockChecked> {
  const objects = [...byKey(entries).values()];
  const checked: LockChecked = { objects: objects.length, by_digest: 0, by_size: 0, found: [] };
  for await (const { object, state } of mapInOrder(objects, options.atOnce, (object) => look(object, options))) {
    options.signal.throwIfAborted();
    if (state === "by_digest" || state === "by_size") checked[state] += 1;
    else checked.found.push({ ...state, key: object.image.key, digest: object.image.digest, images: object.images });
    options.onProgress?.(checked);
  }
  return checked;
}

interface LockedObject {
  image: LockImage;
  images: LockFinding["images"];
}

/** Requests may share images: each is asked for once. */
function byKey(entries: readonly LockEntry[]): Map<string, LockedObject> {
  const objects = new Map<string, LockedObject>();
  for (const { request_id, images } of entries) {
    for (const image of images) {
      const place = { request_id, index: image.index };
      const known = objects.get(image.key);
      if (known === undefined) objects.set(image.key, { image, images: [place] });
      else known.images.push(place);
    }
  }
  return objects;
}

type State = "by_digest" | "by_size" | Pick<LockFinding, "kind" | "reason">;

async function look(object: LockedObject, options: CheckLockOptions): Promise<{ object: LockedObject; state: State }> {
  const { store, deep, signal } = options;
  const { image } = object;
  const facts = await store.head(image.key, { signal });
  const state = judge(image, facts);
  // what is wrong by its size need not be read
  if (!deep || (typeof state === "object" && state.kind !== "wrong_type")) return { object, state };
  const stream = await store.read(image.key, { signal });
  const read = stream && { ...(await measure(stream)), contentType: facts?.contentType };
  return { object, state: judge(image, read) };
}

/** A size or a digest that differs is worse than a wrong type, and is told in its place. */
function judge(image: LockImage, facts: ObjectFacts | undefined): State {
  if (facts === undefined) return { kind: "missing", reason: "it is not in the store" };
  const { bytes, digest, contentType } = facts;
  if (bytes !== image.bytes)
    return { kind: "changed", reason: `the store holds ${bytes} bytes, ${image.bytes} are locked` };
  if (digest !== undefined && digest !== image.digest)
    return { kind: "changed", reason: `the store holds bytes with digest ${digest}` };
  if (contentType?.split(";")[0]?.trim().toLowerCase() !== image.content_type)
    return {
      kind: "wrong_type",
      reason: `the store gives it out as ${contentType ?? "nothing"}, ${image.content_type} is locked`,
    };
  return digest === undefined ? "by_size" : "by_digest";
}
