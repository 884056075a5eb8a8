// Reads one object of any bucket as a stream: for manifests in S3. Independent of the store.
import { ConfigError } from "../domain/errors.ts";
import { bodyOf } from "./s3-body.ts";
import { loadS3, type S3ClientOptions } from "./s3-client.ts";
import { isMissingObject, toS3Error } from "./s3-errors.ts";

/** How to reach S3, and when to stop. */
export interface ReadS3ObjectOptions extends S3ClientOptions {
  signal?: AbortSignal | undefined;
}

/**
 * The bytes of `s3://bucket/key`. Sends no request before the first chunk is read; leaving the loop closes the connection.
 * Throws ConfigError `object_unreadable` if there is no such object, otherwise the store's errors.
 */
export async function* readS3Object(url: string, options: ReadS3ObjectOptions = {}): AsyncGenerator<Uint8Array> {
  const { signal, ...clientOptions } = options;
  const { bucket, key } = parseObjectUrl(url);
  signal?.throwIfAborted();
  const { sdk, client } = await loadS3(clientOptions);
  try {
    const command = new sdk.GetObjectCommand({ Bucket: bucket, Key: key });
    yield* bodyOf(await client.send(command, signal === undefined ? {} : { abortSignal: signal }));
  } catch (thrown) {
    if (signal?.aborted) throw signal.reason;
    if (isMissingObject(thrown)) throw unreadable(url, "there is no such object", thrown);
    throw toS3Error(thrown, { verb: "get", key, bucket });
  } finally {
    client.destroy();
  }
}

function parseObjectUrl(url: string): { bucket: string; key: string } {
  const [, bucket, key] = /^s3:\/\/([^/?#@:]+)\/(.+)$/i.exec(url) ?? [];
  if (bucket === undefined || key === undefined) throw unreadable(url, "wanted s3://bucket/key");
  return { bucket, key };
}

function unreadable(url: string, reason: string, cause?: unknown): ConfigError {
  // keys before the bucket are secrets: not in a message
  const shown = url.replace(/^(s3:\/\/)[^/]*@/i, "$1");
  return new ConfigError(`Cannot read "${shown}": ${reason}`, { code: "object_unreadable", cause });
}
