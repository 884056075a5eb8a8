// The S3 store, for any server that speaks the protocol. Region, keys and endpoint are the SDK's own settings.
import type { HeadObjectCommandOutput } from "@aws-sdk/client-s3";
import { ArchiverError } from "../domain/errors.ts";
import type { ObjectFacts } from "../domain/records.ts";
import type { Store } from "../pipeline/ports.ts";
import { checkKey, checkKeyPrefix } from "./key.ts";
import type { ProbedStore } from "./probe.ts";
import { collectBody, streamOf } from "./s3-body.ts";
import { type LoadedS3, loadS3, type S3ClientOptions } from "./s3-client.ts";
import { isMissingObject, toS3Error } from "./s3-errors.ts";
import { probeGuarantees } from "./s3-guarantees.ts";
import { putConfirmed } from "./s3-put.ts";

export interface S3StoreOptions extends S3ClientOptions {
  bucket: string;
  /** The prefix of every key, without leading and trailing slashes; "" for none. */
  prefix?: string;
}

/** A store in an existing bucket. Loads the SDK and accesses the network on its first use. */
export function createS3Store(options: S3StoreOptions): ProbedStore {
  const { bucket: Bucket } = options;
  const base = options.prefix ? `${options.prefix}/` : "";
  let loading: Promise<LoadedS3> | undefined;

  async function run<T>(action: Action, work: (s3: LoadedS3, object: ObjectName) => Promise<T>): Promise<T> {
    checkKey(action.key);
    action.signal?.throwIfAborted();
    try {
      loading ??= loadS3(options);
      return await work(await loading, { Bucket, Key: base + action.key });
    } catch (thrown) {
      throw toStoreError(thrown, { ...action, bucket: Bucket });
    }
  }

  async function* list(prefix: string, signal: AbortSignal | undefined): ReturnType<Store["list"]> {
    checkKeyPrefix(prefix);
    signal?.throwIfAborted();
    try {
      loading ??= loadS3(options);
      const { sdk, client } = await loading;
      const pages = sdk.paginateListObjectsV2({ client }, { Bucket, Prefix: base + prefix }, withSignal(signal));
      for await (const page of pages) {
        for (const { Key, Size } of page.Contents ?? []) {
          if (Key?.startsWith(base)) yield { key: Key.slice(base.length), bytes: Size ?? 0 };
        }
      }
    } catch (thrown) {
      throw toStoreError(thrown, { verb: "list", key: prefix, bucket: Bucket, signal });
    }
  }

  return {
    put: (key, bytes, options) =>
      run({ verb: "put", key, signal: options.signal }, (s3, object) =>
        putConfirmed(s3, { ...object, bytes, options }),
      ),
    get: (key, { signal } = {}) =>
      run({ verb: "get", key, signal }, async ({ sdk, client }, object) => {
        const answer = client.send(new sdk.GetObjectCommand(object), withSignal(signal));
        return answer.then(collectBody, undefinedIfMissing);
      }),
    read: (key, { range, signal } = {}) =>
      run({ verb: "get", key, signal }, async ({ sdk, client }, object) => {
        const part = range === undefined ? {} : { Range: `bytes=${range.start}-${range.end}` };
        const answer = await client
          .send(new sdk.GetObjectCommand({ ...object, ...part }), withSignal(signal))
          .catch(undefinedIfMissing);
        return answer && streamOf(answer);
      }),
    presign: (key, { expiresMs }) =>
      run({ verb: "get", key, signal: undefined }, async ({ sdk, client }, object) => {
        const { getSignedUrl } = await import("@aws-sdk/s3-request-presigner");
        return getSignedUrl(client, new sdk.GetObjectCommand(object), { expiresIn: Math.ceil(expiresMs / 1000) });
      }),
    head: (key, { signal } = {}) =>
      run({ verb: "head", key, signal }, async ({ sdk, client }, object) => {
        const answer = await client
          .send(new sdk.HeadObjectCommand({ ...object, ChecksumMode: "ENABLED" }), withSignal(signal))
          .catch(undefinedIfMissing);
        return answer && toFacts(answer);
      }),
    list: (prefix, { signal } = {}) => list(prefix, signal),
    delete: (key, { signal } = {}) =>
      run({ verb: "delete", key, signal }, async ({ sdk, client }, object) => {
        await client.send(new sdk.DeleteObjectCommand(object), withSignal(signal)).catch(undefinedIfMissing);
      }),
    probeGuarantees: (key, { signal } = {}) =>
      run({ verb: "put", key, signal }, (s3, object) => probeGuarantees(s3, { ...object, signal })),
    locate: (key) => `s3://${Bucket}/${base}${key}`,
    async close() {
      (await loading?.catch(() => undefined))?.client.destroy();
    },
  };
}

function toFacts({ ContentLength, ContentType, ChecksumSHA256 }: HeadObjectCommandOutput): ObjectFacts {
  return { bytes: ContentLength ?? 0, contentType: ContentType, digest: toWholeDigest(ChecksumSHA256) };
}

/** 32 bytes in base64. A multipart upload's checksum ends with "-<parts>": a hash of hashes, not of the object. */
function toWholeDigest(checksum: string | undefined): string | undefined {
  if (!/^[A-Za-z0-9+/]{43}=$/.test(checksum ?? "")) return undefined;
  return Buffer.from(checksum ?? "", "base64").toString("hex");
}

interface ObjectName {
  Bucket: string;
  Key: string;
}

interface Action {
  verb: "put" | "get" | "head" | "list" | "delete";
  key: string;
  signal: AbortSignal | undefined;
}

function withSignal(signal: AbortSignal | undefined): { abortSignal?: AbortSignal } {
  return signal === undefined ? {} : { abortSignal: signal };
}

function undefinedIfMissing(thrown: unknown): undefined {
  if (!isMissingObject(thrown)) throw thrown;
}

// An abort is rethrown with its reason
function toStoreError(thrown: unknown, action: Action & { bucket: string }): unknown {
  if (thrown instanceof ArchiverError) return thrown;
  return action.signal?.aborted ? action.signal.reason : toS3Error(thrown, action);
}
