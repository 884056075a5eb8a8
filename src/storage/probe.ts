// Tests a store with a probe object that is written, read back, listed and deleted.
import { createHash, randomUUID } from "node:crypto";
import { ArchiverError, toMessage } from "../domain/errors.ts";
import type { Store } from "../pipeline/ports.ts";

/** What a store verifies itself. The archiver does not depend on it: it confirms each object. */
export interface StoreGuarantees {
  /** The ETag of a single-part upload is its MD5: confirming an upload needs no read. */
  etag_is_md5: boolean;
  /** An upload whose SHA-256 is wrong is refused. */
  checksum_enforced: boolean;
  /** It refuses uploads with `x-amz-checksum-sha256`, so they are sent without it; absent if it accepts them. */
  checksum_refused?: true;
  /** `If-None-Match: *` refuses to overwrite. */
  conditional_put: boolean;
}

/** A store whose guarantees can be probed. */
export interface ProbedStore extends Store {
  /** Writes an object to `key` and leaves it there. Absent if there is nothing to probe. */
  probeGuarantees?(key: string, options?: { signal?: AbortSignal }): Promise<StoreGuarantees>;
}

/** The result of the probe. `ms` is the time of one put, get and delete together; `error` is set if it failed. */
export interface StoreProbe {
  ok: boolean;
  location: string;
  ms: number;
  guarantees?: StoreGuarantees;
  error?: { code: string; message: string };
}

/** Writes, reads back, lists and deletes a probe object. A failing store does not throw; only an abort does. */
export async function probeStore(store: ProbedStore, options: { signal?: AbortSignal } = {}): Promise<StoreProbe> {
  const key = `probes/${randomUUID()}.txt`;
  const startedAt = performance.now();
  const elapsed = () => Math.round(performance.now() - startedAt);
  const location = store.locate("");
  try {
    await roundTrip(store, { key, ...options });
    const ms = elapsed();
    const guarantees = await askGuarantees(store, { key: `probes/${randomUUID()}.txt`, ...options });
    return { ok: true, location, ms, ...(guarantees === undefined ? {} : { guarantees }) };
  } catch (thrown) {
    options.signal?.throwIfAborted();
    return { ok: false, location, ms: elapsed(), error: toError(thrown) };
  }
}

/** The least that a store must do to keep an image: take an object and give it back. What cannot be deleted stays behind. */
export async function probeWriting(store: Store, options: { signal?: AbortSignal } = {}): Promise<void> {
  const key = `probes/${randomUUID()}.txt`;
  const bytes = Buffer.from(`asset-archiver probe ${key}\n`);
  const digest = createHash("sha256").update(bytes).digest("hex");
  await store.put(key, bytes, { contentType: "text/plain", digest, ...options });
  const read = await store.get(key, options);
  // a user who may write and not delete can keep images all the same
  await store.delete(key, options).catch(() => undefined);
  if (!read?.equals(bytes))
    throw fault("store_mismatch", `the probe object came back with ${read?.length ?? 0} bytes, wanted ${bytes.length}`);
}

interface Probe {
  key: string;
  signal?: AbortSignal;
}

async function roundTrip(store: Store, { key, ...options }: Probe): Promise<void> {
  const bytes = Buffer.from(`asset-archiver probe ${key}\n`);
  const digest = createHash("sha256").update(bytes).digest("hex");
  await store.put(key, bytes, { contentType: "text/plain", digest, ...options });
  try {
    const read = await store.get(key, options);
    if (!read?.equals(bytes))
      throw fault(
        "store_mismatch",
        `the probe object came back with ${read?.length ?? 0} bytes, wanted ${bytes.length}`,
      );
    if (!(await isListed(store, { key, ...options })))
      throw fault("store_list_incomplete", "the probe object is missing from the listing");
  } finally {
    // also after an abort, so that nothing is left
    await store.delete(key);
  }
  if ((await store.head(key, options)) !== undefined)
    throw fault("store_delete_ignored", "the probe object is there after its deletion");
}

async function isListed(store: Store, { key, ...options }: Probe): Promise<boolean> {
  for await (const entry of store.list(key, options)) if (entry.key === key) return true;
  return false;
}

async function askGuarantees(store: ProbedStore, { key, ...options }: Probe): Promise<StoreGuarantees | undefined> {
  if (store.probeGuarantees === undefined) return undefined;
  try {
    return await store.probeGuarantees(key, options);
  } finally {
    await store.delete(key);
  }
}

function fault(code: string, message: string): ArchiverError {
  return new ArchiverError(`The store does not work as expected: ${message}`, { code });
}

function toError(thrown: unknown): { code: string; message: string } {
  return { code: thrown instanceof ArchiverError ? thrown.code : "store_failed", message: toMessage(thrown) };
}
