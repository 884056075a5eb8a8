// The directory store: each key is a file, written under a temporary name, synced, verified and renamed.
// Readers never see a partial file, and a confirmed put survives a power failure.
import { randomUUID } from "node:crypto";
import { type FileHandle, open, readFile, rename, rm, stat, unlink } from "node:fs/promises";
import { dirname, extname, join, resolve } from "node:path";
import { ArchiverError, TransientError } from "../domain/errors.ts";
import type { PutOptions, Store } from "../pipeline/ports.ts";
import { measureBytes } from "./digest.ts";
import { isAbsence, toDirectoryError } from "./directory-errors.ts";
import { createFolders, type Folders, syncFolder } from "./folders.ts";
import { checkKey, checkKeyPrefix } from "./key.ts";
import { PRIVATE_FILE } from "./private-files.ts";
import { sweepStaleFiles, walkFiles } from "./walk.ts";

// in the same folder, so that a rename never crosses file systems
const TEMPORARY = ".tmp";

// a file has no content type: derived from the extension of the key
const CONTENT_TYPES: Record<string, string> = {
  ".png": "image/png",
  ".jpg": "image/jpeg",
  ".webp": "image/webp",
  ".json": "application/json",
};

/** A store in the folder `root`, which is created by the first put. Several processes may share it. */
export function createDirectoryStore(options: { root: string }): Store {
  const base = resolve(options.root);
  const folders = createFolders(base);
  const temporary = join(base, TEMPORARY);
  const pathOf = (key: string) => join(base, key);
  let swept: Promise<void> | undefined;

  return {
    async put(key, bytes, options) {
      checkKey(key);
      await translateErrors({ verb: "put", key, base, signal: options.signal }, async () => {
        // removes leftovers of killed processes, once; failing is harmless
        swept ??= sweepStaleFiles(temporary).catch(() => {});
        await swept;
        const target = { key, path: pathOf(key), temp: join(temporary, randomUUID()) };
        await putFile(target, bytes, { ...options, folders });
      });
    },
    async get(key, { signal } = {}) {
      checkKey(key);
      return translateErrors({ verb: "get", key, base, signal }, () =>
        readFile(pathOf(key), signal === undefined ? {} : { signal }).catch(undefinedIfMissing),
      );
    },
    async read(key, { range, signal } = {}) {
      checkKey(key);
      return translateErrors({ verb: "get", key, base, signal }, async () => {
        const file = await open(pathOf(key), "r").catch(undefinedIfMissing);
        return file?.createReadStream({ ...range, ...(signal === undefined ? {} : { signal }) });
      });
    },
    async head(key, { signal } = {}) {
      checkKey(key);
      return translateErrors({ verb: "get", key, base, signal }, async () => {
        const found = await stat(pathOf(key)).catch(undefinedIfMissing);
        if (!found?.isFile()) return undefined;
        // without a digest: computing it would mean reading the file
        return { bytes: found.size, contentType: CONTENT_TYPES[extname(key)] };
      });
    },
    async *list(prefix, { signal } = {}) {
      checkKeyPrefix(prefix);
      try {
        for await (const file of walkFiles(base, prefix)) {
          signal?.throwIfAborted();
          yield file;
        }
      } catch (thrown) {
        signal?.throwIfAborted();
        throw toDirectoryError(thrown, { verb: "list", key: prefix, base });
      }
    },
    async delete(key, { signal } = {}) {
      checkKey(key);
      await translateErrors({ verb: "delete", key, base, signal }, async () => {
        const gone = await unlink(pathOf(key)).then(() => true, undefinedIfMissing);
        if (gone) await syncFolder(dirname(pathOf(key)));
      });
    },
    locate: pathOf,
    close: async () => {},
  };
}

interface Target {
  key: string;
  path: string;
  temp: string;
}

async function putFile(target: Target, bytes: Buffer, options: PutOptions & { folders: Folders }): Promise<void> {
  const { digest, folders, signal } = options;
  const folder = dirname(target.path);
  const wanted = { bytes: bytes.length, digest };
  if (await isStored(target.path, wanted)) {
    // it may not be durable yet: the process that renamed it may have been killed before it synced the folder
    await folders.ensure(folder);
    return syncFolder(folder);
  }
  await folders.ensure(dirname(target.temp));
  try {
    await writeChecked(target, bytes, options);
    await folders.ensure(folder);
    signal?.throwIfAborted();
    await rename(target.temp, target.path);
    await syncFolder(folder);
  } finally {
    await rm(target.temp, { force: true });
  }
}

// An existing object is verified, not trusted: a wrong one is replaced
async function isStored(path: string, wanted: { bytes: number; digest: string }): Promise<boolean> {
  const file = await open(path, "r").catch(undefinedIfMissing);
  if (file === undefined) return false;
  try {
    const found = await file.stat();
    if (!found.isFile() || found.size !== wanted.bytes) return false;
    if ((await measureFile(file)).digest !== wanted.digest) return false;
    await file.sync();
    return true;
  } finally {
    await file.close();
  }
}

// Reads back before the rename, so that a wrong file never gets the final name
async function writeChecked(target: Target, bytes: Buffer, options: PutOptions): Promise<void> {
  const { digest, signal } = options;
  const file = await open(target.temp, "wx+", PRIVATE_FILE);
  try {
    await file.writeFile(bytes, signal === undefined ? {} : { signal });
    await file.sync();
    const written = await measureFile(file);
    if (written.bytes === bytes.length && written.digest === digest) return;
    throw new TransientError(
      `Cannot put "${target.key}": the file holds ${written.bytes} bytes with digest ${written.digest}, wanted ${bytes.length} with ${digest}`,
      { code: "store_mismatch" },
    );
  } finally {
    await file.close();
  }
}

function measureFile(file: FileHandle): Promise<{ bytes: number; digest: string }> {
  return measureBytes(file.createReadStream({ start: 0, autoClose: false, highWaterMark: 1024 * 1024 }));
}

function undefinedIfMissing(thrown: unknown): undefined {
  if (!isAbsence(thrown)) throw thrown;
}

interface Action {
  verb: "put" | "get" | "delete";
  key: string;
  base: string;
  signal: AbortSignal | undefined;
}

async function translateErrors<T>(action: Action, work: () => Promise<T>): Promise<T> {
  action.signal?.throwIfAborted();
  try {
    return await work();
  } catch (thrown) {
    if (thrown instanceof ArchiverError) throw thrown;
    action.signal?.throwIfAborted();
    throw toDirectoryError(thrown, action);
  }
}
