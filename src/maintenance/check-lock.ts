// Checking a lock against a store: each image once, by a HEAD, or by reading it where that is wanted. Needs no catalog.
import { ArchiverError, TransientError, toMessage } from "../domain/errors.ts";
import type { LockEntry, LockImage } from "../domain/lockfile/entry.ts";
import type { ObjectFacts } from "../domain/records.ts";
import { mapInOrder } from "../domain/streams.ts";
import type { ByteStream, Store } from "../pipeline/ports.ts";
import { measureBytes } from "../storage/digest.ts";

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

/** An image that nothing can be said about: the store did not answer, or refused to. */
export type UncheckedReason = Omit<LockFinding, "kind">;

/** How a check went. */
export interface LockChecked {
  /** Different objects: as many as the three counts below, and what was found wrong. */
  objects: number;
  /** Found intact by their digest: the store's own word, or bytes that were read. */
  by_digest: number;
  /** Found in place by size and type alone: the store keeps no digest of them. */
  by_size: number;
  /** Not looked at: the store gave no word of them, whatever was tried. */
  unreachable: number;
  /** The first few of those. */
  unreachable_first: UncheckedReason[];
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

/** So many in a row that the store gives no word of: it is away, and no more are asked for. */
const AWAY_AFTER = 16;

/** So many of those that were not looked at are named. */
const NAMED_UNREACHABLE = 10;

/**
 * Asks for each object once. One that the store gives no word of holds up no other. Throws what the store throws where it
 * gives no word from the beginning; where it goes away later, the rest is told as not looked at.
 */
export async function checkLock(entries: readonly LockEntry[], options: CheckLockOptions): Promise<LockChecked> {
  const objects = [...byKey(entries).values()];
  const checked = startOf(objects.length);
  let silent = 0;
  let away: Silence | undefined;
  const ask = async (object: LockedObject) => ({
    object,
    state: away ?? (await look(object, options).catch(toSilence)),
  });
  for await (const { object, state } of mapInOrder(objects, options.atOnce, ask)) {
    options.signal.throwIfAborted();
    note(checked, object, state);
    silent = isSilence(state) ? silent + 1 : 0;
    if (isSilence(state) && silent >= Math.min(objects.length, AWAY_AFTER)) {
      if (!isAnySeen(checked)) throw state.error;
      away = state;
    }
    options.onProgress?.(checked);
  }
  return checked;
}

function startOf(objects: number): LockChecked {
  return { objects, by_digest: 0, by_size: 0, unreachable: 0, unreachable_first: [], found: [] };
}

function note(checked: LockChecked, { image, images }: LockedObject, state: State | Silence): void {
  if (state === "by_digest" || state === "by_size") {
    checked[state] += 1;
    return;
  }
  const { key, digest } = image;
  if (!isSilence(state)) {
    checked.found.push({ ...state, key, digest, images });
    return;
  }
  checked.unreachable += 1;
  if (checked.unreachable <= NAMED_UNREACHABLE)
    checked.unreachable_first.push({ key, digest, images, reason: state.error.message });
}

function isAnySeen({ by_digest, by_size, found }: LockChecked): boolean {
  return by_digest + by_size + found.length > 0;
}

/** No word of an object, and why. */
interface Silence {
  error: ArchiverError;
}

function isSilence(state: State | Silence): state is Silence {
  return typeof state === "object" && "error" in state;
}

// the store's own errors are of one object until they are of many; anything else is none of its words
function toSilence(thrown: unknown): Silence {
  if (thrown instanceof ArchiverError) return { error: thrown };
  throw thrown;
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

async function look({ image }: LockedObject, { store, deep, signal }: CheckLockOptions): Promise<State> {
  const facts = await store.head(image.key, { signal });
  const state = judge(image, facts);
  // what is wrong by its size need not be read
  if (!deep || (typeof state === "object" && state.kind !== "wrong_type")) return state;
  const stream = await store.read(image.key, { signal });
  const read = stream && { ...(await measureAll(stream, image.key)), contentType: facts?.contentType };
  return judge(image, read);
}

async function measureAll(stream: ByteStream, key: string): ReturnType<typeof measureBytes> {
  try {
    return await measureBytes(stream);
  } catch (cause) {
    const message = `Cannot read "${key}" to its end: ${toMessage(cause)}`;
    throw new TransientError(message, { code: "store_unreachable", cause });
  }
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
